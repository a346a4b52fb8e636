/// The memory of a rank during a step, in bytes.
package struct MemoryEstimate: Codable, Equatable, Sendable {
  package let weights: Int
  package let gradients: Int
  /// Moments of Adam.
  package let moments: Int
  /// Sums of the gradients of a step's utterances, in double precision.
  package let sums: Int
  /// Buffers for the exchange of gradients.
  package let wire: Int
  /// Averaged weights.
  package let average: Int
  /// Activations of the utterances that run backward at once, as measured.
  package let activations: Int
  /// Program, libraries and audio: the rest of the measured memory.
  package let program: Int
  /// Number of utterances that run backward at once.
  package let utterancesSideBySide: Int
  /// Sum for a rank.
  package let rankBytes: Int
  /// Sum for all ranks of a node.
  package let nodeBytes: Int

  /// The memory that `request` needs according to `calibration`.
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
    let items = request.configuration.itemsPerRank
    // A discriminator that is first judges all estimates of a step before any goes backward.
    let holdsAll =
      request.configuration.recipe.discriminator?.order == .discriminatorFirst
    utterancesSideBySide =
      holdsAll
      ? items
      : min(
        items,
        settings.itemsBesideTransfer(
          activationBytes: measured.activations, isInsideHost: request.nodes == 1,
          ranksPerHost: request.ranksPerNode, hostMemory: request.memoryPerNode))
    activations = utterancesSideBySide * measured.activations
    rankBytes =
      weights + gradients + moments + sums + wire + average + activations + program
    nodeBytes = request.ranksPerNode * rankBytes
  }
}
