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
  for index in 0..<row.segmentCount {
    let segment = row.segments[index]
    var weights = job.weights + segment.weight * Tile.Row.width
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

/// Numbers `first`… of neighbourhoods: what is a pixel above is one of these here.
@inline(__always)
private func sumTile<Tile: PixelTile>(
  _: Tile.Type, _ job: ConvolutionSums, channel: Int, _ first: Int
) {
  let sums = job.sums + first * job.sumStep + channel
  var tile = Tile(FloatPointer(sums), step: job.sumStep, channels: Tile.Row.width)
  for index in 0..<job.pixelCount {
    let pixels = job.pixels[index]
    var source = pixels.source + first
    var gradient = pixels.gradient + channel
    for _ in 0..<pixels.count {
      tile.add(source, step: 1, Tile.Row(gradient))
      source += job.sourceStep
      gradient += job.gradientStep
    }
  }
  tile.write(sums, step: job.sumStep, channels: Tile.Row.width)
}

// The two functions below differ in the tile that they call. A protocol for that would need type
// metadata, whose helpers the linker would merge with the other kernels' (see KernelObjectsTests).

/// All pixels: as many tiles of `Tile` as there are, the rest by smaller ones.
@inline(__always)
private func rowPanel<Tile: PixelTile>(_: Tile.Type, _ job: PanelJob) {
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

/// All numbers of the neighbourhoods, likewise.
@inline(__always)
private func sumPanel<Tile: PixelTile>(_: Tile.Type, _ job: ConvolutionSums, channel: Int) {
  typealias Row = Tile.Row
  let count = job.count
  var first = 0
  while count - first >= Tile.count {
    sumTile(Tile.self, job, channel: channel, first)
    first += Tile.count
  }
  if Tile.count > 8 && count - first >= 8 {
    sumTile(EightPixels<Row>.self, job, channel: channel, first)
    first += 8
  }
  if count - first >= 4 {
    sumTile(FourPixels<Row>.self, job, channel: channel, first)
    first += 4
  }
  if count - first >= 2 {
    sumTile(TwoPixels<Row>.self, job, channel: channel, first)
    first += 2
  }
  if count - first >= 1 { sumTile(OnePixel<Row>.self, job, channel: channel, first) }
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
        case 64: rowPanel(SixPixels<FourVectors>.self, job)
        case 48: rowPanel(EightPixels<ThreeVectors>.self, job)
        case 32: rowPanel(TwelvePixels<TwoVectors>.self, job)
        default: rowPanel(TwelvePixels<OneVector>.self, job)
        }
      #else
        rowPanel(SixPixels<OneVector>.self, job)
      #endif
      weights += row.depth * width
      channel += width
    }
  }

  /// The sums, panel by panel.
  @inline(never)
  public static func addConvolutionSums(_ sums: ConvolutionSums) {
    var channel = 0
    let padded = paddedToLanes(sums.channels)
    while channel < padded {
      let width = min(convolutionPanelWidth, padded - channel)
      #if AVX512
        switch width {
        case 64: sumPanel(SixPixels<FourVectors>.self, sums, channel: channel)
        case 48: sumPanel(EightPixels<ThreeVectors>.self, sums, channel: channel)
        case 32: sumPanel(TwelvePixels<TwoVectors>.self, sums, channel: channel)
        default: sumPanel(TwelvePixels<OneVector>.self, sums, channel: channel)
        }
      #else
        sumPanel(SixPixels<OneVector>.self, sums, channel: channel)
      #endif
      channel += width
    }
  }

  /// Rows whose targets do not overlap follow each other, so that no sum is read before it has been
  /// written.
  public static func addOverlapping(
    _ x: MatrixView, width: Int, to target: MutableFloatPointer, step: Int
  ) {
    let apart = (width + step - 1) / step
    for phase in 0..<apart {
      var row = phase
      while row < x.rows {
        let source = FloatPointer(x.base + row * x.stride)
        let sums = target + row * step
        var j = 0
        while j + 8 <= width {
          let a = UnsafeRawPointer(sums + j).loadUnaligned(as: SIMD8<Float>.self)
          let b = UnsafeRawPointer(source + j).loadUnaligned(as: SIMD8<Float>.self)
          UnsafeMutableRawPointer(sums + j).storeBytes(of: a + b, as: SIMD8<Float>.self)
          j += 8
        }
        while j < width {
          sums[j] += source[j]
          j += 1
        }
        row += apart
      }
    }
  }
}
