/// What a rank will hold in a step, in bytes.
package struct MemoryPlan: Codable, Equatable, Sendable {
  package let weights: Int
  package let gradients: Int
  /// Adam's.
  package let moments: Int
  /// Gradients of the utterances of a step, added up in double precision.
  package let sums: Int
  /// Buffers in which gradients travel.
  package let wire: Int
  /// Averaged weights.
  package let average: Int
  /// Activations of the utterances that go backward side by side, as measured.
  package let activations: Int
  /// Program, libraries and audio: what else was measured.
  package let program: Int
  /// Utterances that go backward side by side.
  package let utterancesSideBySide: Int
  /// All of it.
  package let rankBytes: Int
  /// All ranks of a node.
  package let nodeBytes: Int

  /// The memory of `request`, by what was measured.
  package init(_ request: PlanRequest, _ calibration: PlanCalibration) {
    let measured = calibration.memory
    let count = calibration.step.parameterCount
    weights = 4 * count
    gradients = 4 * count
    moments = 8 * count
    sums = 8 * count
    let settings = request.exchange
    let hasWire = request.ranks > 1 || settings.wire != .float64
    wire = hasWire ? settings.wire.bufferByteCount * count : 0
    average = request.configuration.averageDecay == nil ? 0 : 4 * count
    program = max(0, measured.before - measured.wire - weights - gradients - moments - sums)
    utterancesSideBySide = min(
      request.configuration.itemsPerRank,
      settings.itemsBesideTransfer(
        activationBytes: measured.activations, isInsideHost: request.nodes == 1,
        ranksPerHost: request.ranksPerNode, hostMemory: request.memoryPerNode))
    activations = utterancesSideBySide * measured.activations
    rankBytes =
      weights + gradients + moments + sums + wire + average + activations + program
    nodeBytes = request.ranksPerNode * rankBytes
  }
}
