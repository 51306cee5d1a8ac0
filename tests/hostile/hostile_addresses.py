"""URLs and DNS answers that must lead nowhere. Every one is an attack on whoever reads addresses loosely."""

from __future__ import annotations

LOOPBACK_SPELLINGS = (
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "127.1",
    "127.0.1", "127.00.00.01", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0x7F.0.0.1", "0x7f.0x0.0x0.0x1",
    "0177.0.0.1", "0177.0.0.01", "00000177.1", "127.0.0.1.nip.io.", "0", "0.0.0.0", "0x0", "00", "127.0.0.0x1",
    "127.0.0.1e0", "1.2.3", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "loc\u00adalhost", "local\u200bhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]",
    "[2001::80ff:fffe]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25lo]", "[::1%lo]", "[::1", "::1",
    "[::1]]", "[v1.127.0.0.1]", "[127.0.0.1]", "[::ffff:127.1]", "[2606:4700::5efe:7f00:1]",
    "[2606:4700::200:5efe:7f00:1]",
)  # fmt: skip

INTERNAL_NUMBERS = (
    "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.254", "169.254.0.1",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.254", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.168.255.254", "192.175.48.1", "198.18.0.1",
    "198.19.255.254", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.127.127.127", "168.63.129.16", "::", "::1", "::2", "::127.0.0.1",
    "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a00:1::", "2002:a9fe:a9fe::1", "2620:4f:8000::1", "3ffe::1", "3fff::1", "4000::1", "5f00::1", "fc00::1",
    "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff::1", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "feff::1",
    "ff01::1", "ff02::1", "ff0e::1", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:a9fe:a9fe",
)  # fmt: skip

# {port} is one that would otherwise be allowed.
CONFUSING_URLS = (
    "http://good.example:{port}/", "ftp://good.example:{port}/", "file:///etc/passwd", "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:{port}/_GET", "dict://127.0.0.1:{port}/", "ldap://127.0.0.1:{port}/", "data:text/plain,x",
    "javascript:1", "https:127.0.0.1:{port}", "https:/127.0.0.1:{port}/", "https:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/", "127.0.0.1:{port}", "https//127.0.0.1:{port}/", "https:\\\\127.0.0.1:{port}\\",
    "https:/\\127.0.0.1:{port}/", "", " ", "https://", "https://:{port}/", "https://?", "https://#", "https://@",
    "https://good.example:{port}@127.0.0.1:{port}/", "https://user@127.0.0.1:{port}/",
    "https://user:password@good.example:{port}/", "https://good.example\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@good.example/", "https://127.0.0.1:{port}#@good.example/",
    "https://good.example#@127.0.0.1/", "https://good.example:{port}#fragment",
    "https://127.0.0.1:{port}?@good.example/", "https://good.example:{port}:80/", "https://good.example:/",
    "https://good.example:0/", "https://good.example:0443/", "https://good.example:65536/",
    "https://good.example:99999/", "https://good.example:-1/", "https://good.example:+443/",
    "https://good.example: 443/", "https://good.example:443 /", "https://good.example:４４３/",
    "https://good.example:22/", "https://good.example:25/", "https://good.example:80/", "https://good.example:6379/",
    "https://good.example:5432/", "https://good.example:11211/", " https://good.example:{port}/",
    "https://good.example:{port}/ ", "https://good.example:{port}/\n", "\thttps://good.example/",
    "https://good.example:{port}/\r\nX-Injected: 1", "https://good.example:{port}/a b",
    "https://good.example:{port}/\x00", "https://good\x00.example:{port}/",
    "https://good.example\x00.127.0.0.1:{port}/", "https://good\t.example:{port}/", "https://good\n.example:{port}/",
    "https://good.example%00.internal:{port}/", "https://127.0.0.1%2f@good.example:{port}/",
    "https://%31%32%37.0.0.1:{port}/", "https://good%2eexample:{port}/", "https://good.example:{port}/%zz",
    "https://good.example:{port}/%", "https://good.example:{port}/é", "https://good.example:{port}/<x>",
    "https://good.example:{port}/a\\b", "https://.good.example:{port}/", "https://good..example:{port}/",
    "https://good.example.:{port}/", "https://-good.example:{port}/", "https://good-.example:{port}/",
    "https://good_.exa mple:{port}/", "https://*.example:{port}/", "https://good,example:{port}/",
    "https://go\u2044od.example:{port}/", "https://good.example\u2215:{port}/",
    "https://good.example\uff0f@127.0.0.1:{port}/", "https://good.exa\u212ample:{port}/",
    "https://xn--\u00fc.example:{port}/", "https://xn--zzzzzzzz99999.example:{port}/",
    "https://good.example\u3002internal:{port}/", "https://redis:{port}/", "https://metadata:{port}/",
    "https://intranet/", "https://" + "a" * 64 + ".example/", "https://" + "a." * 130 + "example/",
    "https://good.example/" + "a" * 5000, "url:https://good.example:{port}/", "https://https://good.example:{port}/",
    "ws://good.example:{port}/", "wss://good.example:{port}/", "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "https://[::1]:{port}@good.example/",
    "https://good.example[::1]:{port}/", "https://[good.example]:{port}/", "https://[]:{port}/",
    "https://[:]:{port}/",
)  # fmt: skip


def hostile_urls(port: int) -> list[str]:
    """URLs that name a forbidden place, or something two readers could understand differently."""
    numbers = [f"[{number}]" if ":" in number else number for number in INTERNAL_NUMBERS]
    spelled = [f"https://{host}:{port}/" for host in (*LOOPBACK_SPELLINGS, *numbers)]
    return list(dict.fromkeys(spelled + [url.replace("{port}", str(port)) for url in CONFUSING_URLS]))


# What a name server may answer: a forbidden address alone, or hidden among public ones.
PUBLIC_NUMBERS = ("93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808")


def hostile_answers() -> list[list[str]]:
    """DNS answers with at least one address that must not be called."""
    alone = [[number] for number in INTERNAL_NUMBERS]
    hidden = [[PUBLIC_NUMBERS[0], number] for number in INTERNAL_NUMBERS[::4]]
    buried = [[*PUBLIC_NUMBERS * 3, number] for number in INTERNAL_NUMBERS[::8]]
    scoped = [["fe80::1%1"], ["2606:4700:4700::1111%1"], ["::1%1"]]
    return alone + hidden + buried + scoped
