// Numbers for people: the unit is always beside the number, figures that are not there yet are a dash.

const MIB = 1024 * 1024;
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hundredth = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const DASH = '–';

export function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

const orDash = (format) => (value) => (isNumber(value) ? format(value) : DASH);

/** 12,345 */
export const count = orDash((value) => whole.format(value));

/** Three figures or more, as many decimals as that takes. */
export const decimal = orDash((value) => {
  const size = Math.abs(value);
  return (size >= 1000 ? whole : size >= 10 ? tenth : hundredth).format(value);
});

/** As decimal, but 835.9K from a hundred thousand on. */
export const rate = orDash((value) => (Math.abs(value) >= 100_000 ? short.format(value) : decimal(value)));

/** 1.2K, for axes and narrow places. */
export const compact = orDash((value) => short.format(value));

/** Bytes as MiB, without the unit. */
export const mib = orDash((value) => tenth.format(value / MIB));

/** A ratio as per cent, without the sign. */
export const percent = orDash((value) => tenth.format(value * 100));

/** +12 % or −8 %; empty where there is nothing to compare with or no difference to speak of. */
export function change(value, base) {
  if (!isNumber(value) || !isNumber(base) || base === 0) return '';
  const part = Math.round((value / base - 1) * 100);
  if (part === 0) return '±0 %';
  return (part > 0 ? '+' : '−') + whole.format(Math.abs(part)) + ' %';
}

/** Seconds as 4:05 or 1:02:03. */
export function clock(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

export const BYTES_IN_MIB = MIB;
