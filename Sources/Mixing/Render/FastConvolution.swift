import Audio

/// Convolutions of one signal with several filters by FFT, with plans and memory that are kept for
/// the next ones. An instance serves one thread at a time.
final class FastConvolution {
  /// Crops of one training differ in few lengths: those of the room responses.
  private static let keptPlans = 6
  private var plans: [Plan] = []
  private var current: Plan?

  /// A transform and the spectrum of the signal.
  private final class Plan {
    let transform: DoubleFourierTransform
    let signal: UnsafeMutableBufferPointer<Double>

    init(length: Int) {
      transform = DoubleFourierTransform(length: length)
      signal = .allocate(capacity: 2 * transform.binCount)
      signal.initialize(repeating: 0)
    }

    deinit { signal.deallocate() }
  }

  /// Takes a signal, for which `samples` circular samples are enough: those of the outputs that
  /// will be asked for must not be met by others.
  func load(_ signal: UnsafeBufferPointer<Double>, samples: Int) {
    let plan = plan(Self.length(atLeast: max(samples, signal.count)))
    current = plan
    write(signal, plan)
    plan.transform.forward()
    _ = plan.signal.update(
      fromContentsOf: UnsafeBufferPointer(
        start: plan.transform.spectrum, count: 2 * plan.transform.binCount))
  }

  /// Sets `output` to the samples from `start` on of the convolution of the signal with `filter`:
  /// output[t] = Σ_i filter[i]·signal[start + t − i].
  func convolve(
    _ filter: UnsafeBufferPointer<Double>, from start: Int,
    into output: UnsafeMutableBufferPointer<Double>
  ) {
    guard let plan = current, filter.count <= plan.transform.length,
      start + output.count <= plan.transform.length
    else { preconditionFailure("FastConvolution: no signal, or one of too few samples") }
    write(filter, plan)
    plan.transform.forward()
    let (spectrum, signal) = (plan.transform.spectrum, plan.signal)
    let scale = 1 / Double(plan.transform.length)
    for bin in 0..<plan.transform.binCount {
      let (re, im) = (spectrum[2 * bin] * scale, spectrum[2 * bin + 1] * scale)
      let (other, otherIm) = (signal[2 * bin], signal[2 * bin + 1])
      spectrum[2 * bin] = re * other - im * otherIm
      spectrum[2 * bin + 1] = re * otherIm + im * other
    }
    plan.transform.inverse()
    output.copy(UnsafeBufferPointer(start: plan.transform.time + start, count: output.count))
  }

  private func write(_ samples: UnsafeBufferPointer<Double>, _ plan: Plan) {
    let time = UnsafeMutableBufferPointer(
      start: plan.transform.time, count: plan.transform.length)
    time.part(0..<samples.count).copy(samples)
    time.part(samples.count..<time.count).update(repeating: 0)
  }

  private func plan(_ length: Int) -> Plan {
    let found = plans.firstIndex { $0.transform.length == length }
    let plan = found.map { plans.remove(at: $0) } ?? Plan(length: length)
    if plans.count == Self.keptPlans { plans.removeFirst() }
    plans.append(plan)
    return plan
  }

  /// The least of few lengths with fast transforms, at most a quarter longer than `count`.
  static func length(atLeast count: Int) -> Int {
    var unit = 2
    while 16 * unit < count { unit *= 2 }
    return [8, 9, 10, 12, 15, 16].map { $0 * unit }.first { $0 >= count } ?? 16 * unit
  }
}
