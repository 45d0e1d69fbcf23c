/** What stands where something is not shown, everywhere: in the configuration, the audit log and messages. */
export const MASK = '(masked)';
