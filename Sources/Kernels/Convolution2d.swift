import KernelAPI

// y[p, o] = Σ_k x[p, k]·W[k, o] for pixels p of a row, where k runs over the numbers of a pixel's
// neighbourhood: an implicit matrix product, in which x is read where it lies. A tile of pixels
// times channels stays in registers while k runs; each step loads one row of weights and
// broadcasts one number of each pixel. Pixels that are left over have tiles of their own, so none
// is computed twice.

/// Some pixels of a tile.
private protocol PixelTile {
  associatedtype Row: TileRow
  /// Pixels.
  static var count: Int { get }
  /// All pixels start from `row`.
  init(_ row: Row)
  /// Starts from the first `channels` numbers of each pixel at `p`.
  init(_ p: FloatPointer, step: Int, channels: Int)
  /// Adds each pixel's number at `p` times `row`.
  mutating func add(_ p: FloatPointer, step: Int, _ row: Row)
  /// Stores the first `channels` numbers of each pixel to `p`.
  func write(_ p: MutableFloatPointer, step: Int, channels: Int)
}

private struct OnePixel<Row: TileRow>: PixelTile {
  var row: Row

  @inline(__always) static var count: Int { 1 }
  @inline(__always) init(_ row: Row) { self.row = row }
  @inline(__always) init(_ p: FloatPointer, step: Int, channels: Int) {
    row = Row(p, count: channels)
  }
  @inline(__always) mutating func add(_ p: FloatPointer, step: Int, _ row: Row) {
    self.row.add(p.pointee, row)
  }
  @inline(__always) func write(_ p: MutableFloatPointer, step: Int, channels: Int) {
    row.write(p, count: channels)
  }
}

private struct Pixels<First: PixelTile, Second: PixelTile>: PixelTile
where First.Row == Second.Row {
  var first: First
  var second: Second

  @inline(__always) static var count: Int { First.count + Second.count }
  @inline(__always) init(_ row: First.Row) {
    first = First(row)
    second = Second(row)
  }
  @inline(__always) init(_ p: FloatPointer, step: Int, channels: Int) {
    first = First(p, step: step, channels: channels)
    second = Second(p + First.count * step, step: step, channels: channels)
  }
  @inline(__always) mutating func add(_ p: FloatPointer, step: Int, _ row: First.Row) {
    first.add(p, step: step, row)
    second.add(p + First.count * step, step: step, row)
  }
  @inline(__always) func write(_ p: MutableFloatPointer, step: Int, channels: Int) {
    first.write(p, step: step, channels: channels)
    second.write(p + First.count * step, step: step, channels: channels)
  }
}

private typealias TwoPixels<Row: TileRow> = Pixels<OnePixel<Row>, OnePixel<Row>>
private typealias FourPixels<Row: TileRow> = Pixels<TwoPixels<Row>, TwoPixels<Row>>
private typealias SixPixels<Row: TileRow> = Pixels<FourPixels<Row>, TwoPixels<Row>>
private typealias EightPixels<Row: TileRow> = Pixels<FourPixels<Row>, FourPixels<Row>>
private typealias TwelvePixels<Row: TileRow> = Pixels<EightPixels<Row>, FourPixels<Row>>

/// A panel of channels of a row of pixels.
private struct PanelJob {
  let row: ConvolutionRow
  let weights: FloatPointer
  /// First channel.
  let channel: Int
  /// Channels that the output has from there on.
  let channels: Int
}

/// Pixels from `pixel` on.
@inline(__always)
private func tile<Tile: PixelTile>(_: Tile.Type, _ job: PanelJob, _ pixel: Int) {
  let row = job.row
  let target = row.target + pixel * row.targetStep + job.channel
  var tile: Tile
  switch row.start {
  case .overwrite: tile = Tile(Tile.Row())
  case .accumulate:
    tile = Tile(FloatPointer(target), step: row.targetStep, channels: job.channels)
  case .bias(let bias): tile = Tile(Tile.Row(bias + job.channel))
  }
  var weights = job.weights
  for index in 0..<row.segmentCount {
    let segment = row.segments[index]
    let step = segment.step
    var source = segment.base + pixel * step
    for _ in 0..<segment.count {
      tile.add(source, step: step, Tile.Row(weights))
      source += 1
      weights += Tile.Row.width
    }
  }
  tile.write(target, step: row.targetStep, channels: job.channels)
}

/// All pixels: as many tiles of `Tile` as there are, the rest by smaller ones.
@inline(__always)
private func panel<Tile: PixelTile>(_: Tile.Type, _ job: PanelJob) {
  typealias Row = Tile.Row
  let count = job.row.count
  var pixel = 0
  while count - pixel >= Tile.count {
    tile(Tile.self, job, pixel)
    pixel += Tile.count
  }
  if Tile.count > 8 && count - pixel >= 8 {
    tile(EightPixels<Row>.self, job, pixel)
    pixel += 8
  }
  if count - pixel >= 4 {
    tile(FourPixels<Row>.self, job, pixel)
    pixel += 4
  }
  if count - pixel >= 2 {
    tile(TwoPixels<Row>.self, job, pixel)
    pixel += 2
  }
  if count - pixel >= 1 { tile(OnePixel<Row>.self, job, pixel) }
}

extension Kernels {
  #if AVX512
    /// Four vectors.
    public static var convolutionPanelWidth: Int { 4 * laneCount }
  #else
    /// One vector.
    public static var convolutionPanelWidth: Int { laneCount }
  #endif

  /// The sum above, panel by panel.
  @inline(never)
  public static func convolutionRow(_ row: ConvolutionRow) {
    var channel = 0
    var weights = row.weights
    let padded = paddedToLanes(row.channels)
    while channel < padded {
      let width = min(convolutionPanelWidth, padded - channel)
      let job = PanelJob(
        row: row, weights: weights, channel: channel, channels: row.channels - channel)
      #if AVX512
        switch width {
        case 64: panel(SixPixels<FourVectors>.self, job)
        case 48: panel(EightPixels<ThreeVectors>.self, job)
        case 32: panel(TwelvePixels<TwoVectors>.self, job)
        default: panel(TwelvePixels<OneVector>.self, job)
        }
      #else
        panel(SixPixels<OneVector>.self, job)
      #endif
      weights += row.depth * width
      channel += width
    }
  }
}
