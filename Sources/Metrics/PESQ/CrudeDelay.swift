extension PESQ.Workspace {
  /// The lag, in blocks, at which two stretches of log envelope correlate best, positive when
  /// `degraded` is late; 0 where they never overlap in speech or one has fewer than two blocks.
  func envelopeLag(_ reference: ArraySlice<Float>, _ degraded: ArraySlice<Float>) -> Int {
    guard reference.count >= 2, degraded.count >= 2 else { return 0 }
    // Log envelopes are never negative, so some correlation is positive as soon as both have a
    // nonzero value. This test decides so without the rounding errors of the transform.
    guard reference.contains(where: { $0 > 0 }), degraded.contains(where: { $0 > 0 }) else {
      return 0
    }
    let length = PESQ.powerOfTwo(atLeast: reference.count + degraded.count)
    let correlation = crossCorrelate(length: length) { time in
      for (i, value) in reference.enumerated() { time[i] = value }
    } second: { time in
      for (i, value) in degraded.enumerated() { time[i] = value }
    }
    var best: Float = 0
    var bestLag = 0
    for lag in 1 - reference.count..<degraded.count {
      let value = correlation.time[lag < 0 ? lag + length : lag]
      if value > best { (best, bestLag) = (value, lag) }
    }
    return bestLag
  }
}

extension PESQ {
  /// The search for delays to the nearest block, by the envelopes of both signals.
  ///
  /// Source: P.862, 10.1: envelope-based time alignment.
  struct CrudeDelaySearch {
    let reference: Activity
    let degraded: Activity
    let workspace: Workspace

    /// The delay of the whole signal, in samples.
    func delay() -> Int {
      Layout.block * workspace.envelopeLag(reference.logPowers[...], degraded.logPowers[...])
    }

    /// The delay, in samples, of the reference's blocks `start..<end`, searched around `estimate`
    /// samples.
    func delay(from start: Int, to end: Int, near estimate: Int) -> Int {
      var first = start
      var firstDegraded = start + estimate / Layout.block
      if firstDegraded < 0 {
        first = -(estimate / Layout.block)
        firstDegraded = 0
      }
      first = max(first, 0)
      let count = min(end, reference.logPowers.count) - first
      let degradedCount = min(count, degraded.logPowers.count - firstDegraded)
      guard count >= 2, degradedCount >= 2 else { return estimate }
      let lag = workspace.envelopeLag(
        reference.logPowers[first..<first + count],
        degraded.logPowers[firstDegraded..<firstDegraded + degradedCount])
      return estimate + Layout.block * lag
    }
  }
}
