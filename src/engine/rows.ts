/**
 * Numbers in rows: float64 and int32 fields of a row lie side by side in memory, so that touching a row that is not in the cache costs a few lines and not
 * one per field. Knows nothing of what the fields mean.
 */

/** Beyond this many rows there is growth by half instead of doubling. */
const MANY = 1 << 16;

/**
 * Rows are numbered in steps of `stride`: row 0, stride, 2 × stride … Each field is a view of one shared buffer, shifted by the field's place,
 * so `column[row]` is the row's field. Views are replaced by growth: fetch them anew after it.
 */
export class Rows {
  readonly stride: number;
  #wide: Float64Array;
  #narrow: Int32Array;

  /** `stride`: at least the number of fields of either width. */
  constructor(stride: number, rows: number) {
    this.stride = stride;
    this.#wide = new Float64Array(rows * stride);
    this.#narrow = new Int32Array(rows * stride);
  }

  /** The first row that does not fit. */
  get end(): number {
    return this.#wide.length;
  }

  grow(): void {
    const rows = this.#wide.length / this.stride;
    const length = (rows < MANY ? rows * 2 : rows + (rows >> 1)) * this.stride;
    const wide = new Float64Array(length);
    const narrow = new Int32Array(length);
    wide.set(this.#wide);
    narrow.set(this.#narrow);
    this.#wide = wide;
    this.#narrow = narrow;
  }

  /** A float64 field, by its place among them. */
  wide(place: number): Float64Array {
    return this.#wide.subarray(place);
  }

  /** An int32 field, by its place among them. */
  narrow(place: number): Int32Array {
    return this.#narrow.subarray(place);
  }
}
