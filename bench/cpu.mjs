// What a process tree has used of the CPU, from /proc. Linux only.
import { readFileSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

const TICK_US = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** @param {number} pid */
function stat(pid) {
  let line;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it ended between the listing and the reading
  }
  // The name, in parentheses, may itself contain blanks and parentheses; the fields begin after the last one.
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [parent, utime, stime, cutime, cstime] = [fields[1], fields[11], fields[12], fields[13], fields[14]];
  return { pid, parent, ticks: utime + stime + cutime + cstime };
}

/**
 * User and system time, in microseconds, of a process, all its descendants, and those of them that have ended.
 * @param {number} root
 */
export function treeCpu(root) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((found) => found !== null);
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { pid, parent } of processes) if (tree.has(parent)) tree.add(pid);
  }
  return processes.filter(({ pid }) => tree.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) * TICK_US;
}

/**
 * Microseconds that any process has used of these cores, and that the hypervisor has taken from them. Interrupts are not
 * counted: the work of the loopback device belongs to the measurement.
 * @param {number[]} cores
 */
export function coresCpu(cores) {
  const lines = readFileSync('/proc/stat', 'utf8').split('\n');
  return cores.reduce((sum, core) => {
    const fields =
      lines
        .find((line) => line.startsWith(`cpu${core} `))
        ?.split(' ')
        .map(Number) ?? [];
    const [user, nice, system, steal] = [fields[1], fields[2], fields[3], fields[8]];
    return sum + (user + nice + system + steal) * TICK_US;
  }, 0);
}
