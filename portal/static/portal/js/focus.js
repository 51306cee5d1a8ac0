// What appeared because of what the person did is where they go on.

export function connect(element) {
  element.focus();
}
