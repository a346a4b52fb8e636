/// One axis of a convolution.
struct ConvolutionAxis {
  let kernel: Int
  let stride: Int
  let dilation: Int
  let padding: Int

  func outputCount(of input: Int) -> Int {
    let room = input + 2 * padding - dilation * (kernel - 1) - 1
    return room < 0 ? 0 : room / stride + 1
  }

  func transposedCount(of input: Int) -> Int {
    (input - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
  }

  /// The walk from inputs to `outputs` outputs: output i reads input i·stride + k·dilation −
  /// padding with tap k.
  func forward(outputs: Int) -> AxisWalk {
    AxisWalk(
      first: 0, step: 1, count: outputs, sourceStep: stride,
      taps: (0..<kernel).map { AxisTap(index: $0, offset: $0 * dilation - padding) })
  }

  /// The walks from outputs back to `inputs` inputs, one for each phase of the stride: input i
  /// takes from the outputs that read it. Each is a convolution of stride 1 with some of the taps.
  func adjoint(inputs: Int) -> [AxisWalk] {
    (0..<min(stride, inputs)).map { phase in
      let taps = (0..<kernel).compactMap { tap -> AxisTap? in
        let distance = phase + padding - tap * dilation
        return distance % stride == 0 ? AxisTap(index: tap, offset: distance / stride) : nil
      }
      return AxisWalk(
        first: phase, step: stride, count: (inputs - phase + stride - 1) / stride, sourceStep: 1,
        taps: taps.sorted { $0.offset < $1.offset })
    }
  }
}

/// A tap of a kernel along one axis.
struct AxisTap {
  /// Its place in the kernel.
  let index: Int
  /// Pixels from a target's source to the one that the tap reads.
  let offset: Int
}

/// Targets `first` + `step`·i along one axis: with each tap they read source `sourceStep`·i +
/// offset, or zeros where that is outside of the image.
struct AxisWalk {
  let first: Int
  let step: Int
  let count: Int
  let sourceStep: Int
  /// By ascending offsets.
  let taps: [AxisTap]

  /// This walk over a source with `before` zeros in front of it.
  func moved(by before: Int) -> AxisWalk {
    AxisWalk(
      first: first, step: step, count: count, sourceStep: sourceStep,
      taps: taps.map { AxisTap(index: $0.index, offset: $0.offset + before) })
  }

  /// Taps with which target i reads inside a source of `size`.
  func inside(_ i: Int, of size: Int) -> Range<Int> {
    let place = i * sourceStep
    let first = taps.firstIndex { place + $0.offset >= 0 } ?? taps.count
    let end = taps.firstIndex { place + $0.offset >= size } ?? taps.count
    return first..<max(first, end)
  }

  /// Targets that read inside a source of `size` with a tap.
  func targets(_ tap: AxisTap, of size: Int) -> Range<Int> {
    let first = tap.offset >= 0 ? 0 : (-tap.offset + sourceStep - 1) / sourceStep
    let room = size - 1 - tap.offset
    let end = room < 0 ? 0 : min(count, room / sourceStep + 1)
    return min(first, end)..<end
  }

  /// Some taps that read neighbours, first to last, as ranges of `taps`.
  func runs(_ range: Range<Int>) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = range.lowerBound
    for index in range
    where index + 1 == range.upperBound || taps[index + 1].offset != taps[index].offset + 1 {
      runs.append(start..<index + 1)
      start = index + 1
    }
    return runs
  }

  /// Neighbouring targets that read inside a source of `size` with the same taps.
  func spans(of size: Int) -> [AxisSpan] {
    var spans: [AxisSpan] = []
    var start = 0
    for i in 0..<count where i + 1 == count || inside(i + 1, of: size) != inside(i, of: size) {
      spans.append(AxisSpan(targets: start..<i + 1, runs: runs(inside(i, of: size))))
      start = i + 1
    }
    return spans
  }
}

/// Neighbouring targets and the taps with which they read inside the image.
struct AxisSpan {
  let targets: Range<Int>
  /// Runs of neighbours, as ranges of the walk's taps.
  let runs: [Range<Int>]
}

extension [AxisWalk] {
  /// Zeros that are read in front of a source of `count` pixels and behind it.
  func padding(of count: Int) -> (before: Int, behind: Int) {
    var (before, behind) = (0, 0)
    for walk in self where walk.count > 0 {
      guard let first = walk.taps.first, let last = walk.taps.last else { continue }
      before = Swift.max(before, -first.offset)
      behind = Swift.max(behind, (walk.count - 1) * walk.sourceStep + last.offset - (count - 1))
    }
    return (before, behind)
  }
}
