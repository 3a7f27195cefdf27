/** A line on a terminal that says what takes so long, shown after a second and gone when it is over. */

const SHOWN_AFTER_MS = 1_000;
const ERASE_LINE = "\r\u001B[2K";

export interface Progress extends Disposable {
  update(text: string): void;
}

/** Silent where standard error is not a terminal. */
export function startProgress(text: string): Progress {
  const { stderr } = process;
  let shown = text;
  let isVisible = false;
  const timer = setTimeout(() => {
    isVisible = true;
    show();
  }, SHOWN_AFTER_MS);
  timer.unref();

  function show(): void {
    if (isVisible && stderr.isTTY) stderr.write(`${ERASE_LINE}${shown}…`);
  }

  return {
    update(next) {
      shown = next;
      show();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      if (isVisible && stderr.isTTY) stderr.write(ERASE_LINE);
    },
  };
}
