"""Ed25519, for what the kernel says has to be signed. Keys and signatures are bytes: 32, 32 and 64 of them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def pair() -> tuple[bytes, bytes]:
    """A new private key and its public one."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def signed(private: bytes, message: bytes) -> bytes:
    """The signature of a message."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def verified(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is that of a message; what is no key or no signature has signed nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
