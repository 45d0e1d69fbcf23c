const STEPS = 10;

/**
 * The answer, or `late` when there is none for so many milliseconds. They are counted in ten steps: a process, or a whole
 * machine, that stands still for longer than its patience loses one of them, and whoever was asked has the others.
 */
export async function soon<T>(answer: Promise<T>, patience: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const wait = (steps: number): void => {
      timer = setTimeout(() => {
        if (steps > 1) wait(steps - 1);
        // Timers come before sockets: what has arrived by now is read first.
        else setImmediate(() => reject(late()));
      }, patience / STEPS);
    };
    wait(STEPS);
  });
  return await Promise.race([answer, over]).finally(() => clearTimeout(timer));
}
