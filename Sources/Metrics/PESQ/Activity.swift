import Foundation

extension PESQ {
  /// The speech envelope of one signal: voice activity and power of each block of 64 samples.
  ///
  /// Source: P.862, 10.1: envelope-based time alignment.
  package struct Activity {
    /// Power (mean square) of each block that is speech; 0 elsewhere.
    package let powers: [Double]
    /// Natural logarithm of each block's power over the speech threshold; 0 below the threshold.
    package let logPowers: [Float]

    /// Detects the speech in an alignment copy.
    init(_ signal: PaddedSignal) {
      let blockPowers = Self.blockPowers(of: signal)
      // No block counts as more than 40 dB below the loudest.
      let floor = blockPowers.max().flatMap { $0 > 0 ? 1e-4 * $0 : nil } ?? 1
      let floored = blockPowers.map { max($0, floor) }
      let start = blockPowers.reduce(0, +) / Double(blockPowers.count)
      var threshold = Self.noiseThreshold(of: floored, startingAt: start)

      let above = floored.filter { $0 > threshold }
      let below = floored.filter { $0 <= threshold }
      let speech = above.isEmpty ? 0 : above.reduce(0, +) / Double(above.count)
      let noise = below.isEmpty ? 1 : below.reduce(0, +) / Double(below.count)
      if above.isEmpty { threshold = -1 }

      // From here on the sign means active (> 0) or inactive; the magnitude stays the power.
      var levels = floored.map { $0 <= threshold ? -$0 : $0 }
      levels[0] = -floor
      levels[levels.count - 1] = -floor
      // A signal is clean where its speech is at least 30 dB above its noise.
      Self.dropRuns(
        in: &levels, threshold: threshold, dropWeakOnes: speech >= 1000 * noise)
      Self.fillGaps(in: &levels, with: floor)
      Self.softenEdges(of: &levels)

      let reference = threshold <= 0 ? floor : threshold
      powers = levels.map { max($0, 0) }
      logPowers = powers.map { $0 > reference ? Float(log($0 / reference)) : 0 }
    }

    private static func blockPowers(of signal: PaddedSignal) -> [Double] {
      (0..<signal.blockCount).map { block in
        var energy = 0.0
        for i in block * Layout.block..<(block + 1) * Layout.block {
          energy += Double(signal.samples[i]) * Double(signal.samples[i])
        }
        return energy / Double(Layout.block)
      }
    }

    /// Power threshold just above the noise: in each of 12 iterations 1.001 times the mean plus two
    /// standard deviations of the blocks up to the previous threshold.
    private static func noiseThreshold(of powers: [Double], startingAt start: Double) -> Double {
      var threshold = start
      for _ in 0..<12 {
        let noise = powers.filter { $0 <= threshold }
        guard !noise.isEmpty else {
          threshold = 0
          continue
        }
        let mean = noise.reduce(0, +) / Double(noise.count)
        let variance = noise.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(noise.count)
        threshold = 1.001 * (mean + 2 * variance.squareRoot())
      }
      return threshold
    }

    /// Runs of consecutive active blocks.
    private static func activeRuns(of levels: [Double]) -> [Range<Int>] {
      var runs: [Range<Int>] = []
      var start: Int?
      for (i, level) in levels.enumerated() {
        if level > 0 {
          start = start ?? i
        } else if let first = start {
          runs.append(first..<i)
          start = nil
        }
      }
      if let first = start { runs.append(first..<levels.count) }
      return runs
    }

    /// Makes runs inactive that are no speech: clicks of up to four blocks (16 ms) and, in a clean
    /// signal, runs whose mean power is below three times the threshold.
    private static func dropRuns(
      in levels: inout [Double], threshold: Double, dropWeakOnes: Bool
    ) {
      for run in activeRuns(of: levels) {
        let isWeak =
          dropWeakOnes && levels[run].reduce(0, +) < 3 * threshold * Double(run.count)
        if run.count <= 4 || isWeak {
          for i in run { levels[i] = -levels[i] }
        }
      }
    }

    /// Makes pauses of up to 50 blocks (200 ms) active, since they belong to the speech around
    /// them. Without any active run all blocks but the first and the last become active.
    private static func fillGaps(in levels: inout [Double], with floor: Double) {
      let runs = activeRuns(of: levels)
      for (run, next) in zip(runs, runs.dropFirst()) where next.lowerBound - run.upperBound <= 50 {
        for i in run.upperBound..<next.lowerBound { levels[i] = floor }
      }
      if runs.isEmpty {
        for i in 1..<levels.count - 1 { levels[i] = levels[i].magnitude }
      }
    }

    /// Extends each run of speech by two blocks on both sides, at 10% and 30% of the power at its
    /// edge.
    private static func softenEdges(of levels: inout [Double]) {
      var i = 3
      while i < levels.count - 2 {
        if levels[i] > 0, levels[i - 2] <= 0 {
          levels[i - 2] = 0.1 * levels[i]
          levels[i - 1] = 0.3 * levels[i]
          i += 1
        }
        if levels[i] <= 0, levels[i - 1] > 0 {
          levels[i] = 0.3 * levels[i - 1]
          levels[i + 1] = 0.1 * levels[i - 1]
          i += 3
        }
        i += 1
      }
    }
  }
}
