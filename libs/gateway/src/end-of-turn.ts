/** Has something to write that can wait for a few microseconds. */
export interface Leaver {
  leave(): void;
}

let due: Leaver[] = [];

/**
 * What is written in one turn of the event loop leaves at its end, in a row: a write that finds its reader asleep has to
 * wake it, which costs more than the write itself, and in a row the first one pays for all (ADR 13).
 */
export function leaveAtEndOfTurn(leaver: Leaver): void {
  if (due.length === 0) setImmediate(letGo);
  due.push(leaver);
}

function letGo(): void {
  const leavers = due;
  due = [];
  for (const leaver of leavers) leaver.leave();
}
