/** Returns an estimated duration as a person says it: `less than 1 s`, `≈ 4 s`, `≈ 3 min`, `≈ 1 h 20 min`. */
export function approximateDuration(durationMs: number): string {
  if (durationMs < 950) return 'less than 1 s';
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 90) return `≈ ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `≈ ${minutes} min`;
  // Ten minutes are as fine as an estimate of hours can be.
  const tens = Math.round(minutes / 10) * 10;
  const rest = tens % 60;
  return `≈ ${Math.floor(tens / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}
