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
/// offset.
struct AxisWalk {
  let first: Int
  let step: Int
  let count: Int
  let sourceStep: Int
  /// By ascending offsets.
  let taps: [AxisTap]

  /// Taps that read neighbours, first to last.
  var runs: [ArraySlice<AxisTap>] {
    var runs: [ArraySlice<AxisTap>] = []
    var start = 0
    for index in taps.indices
    where index + 1 == taps.count || taps[index + 1].offset != taps[index].offset + 1 {
      runs.append(taps[start...index])
      start = index + 1
    }
    return runs
  }
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
