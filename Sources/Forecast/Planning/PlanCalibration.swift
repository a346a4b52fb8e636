import Platform

/// What a plan takes from steps that were measured.
package struct PlanCalibration: Equatable, Sendable {
  /// Resident bytes of a rank.
  package struct Memory: Equatable, Sendable {
    /// Before the first step: program, weights, gradients, moments, sums, audio.
    package var before: Int
    /// Activations of an utterance, and what backward needs beside them.
    package var activations: Int
    /// Bytes before the first step that buffers of the exchange took.
    package var wire: Int

    /// Puts the parts together.
    package init(before: Int, activations: Int, wire: Int = 0) {
      self.before = before
      self.activations = activations
      self.wire = wire
    }
  }

  /// Where the figures come from.
  package var origin: String
  /// The model that was measured.
  package var preset: String
  /// Whether activations were computed again in backward.
  package var recomputes: Bool
  package var step: StepModel
  /// Relative deviation of computing time.
  package var jitter: Double?
  package var memory: Memory
  /// Seconds of a core to enhance and score a second of audio.
  package var scoringSecondsPerAudioSecond: Double
  /// The processor that was measured.
  package var processor: String
  /// How far measured steps are apart, relative; or how far steps of one utterance are from what
  /// those of several say, if that is more.
  package var doubt: Double

  /// Puts the parts together.
  package init(
    origin: String = "by hand", preset: String, recomputes: Bool = false, step: StepModel,
    jitter: Double? = nil, memory: Memory, scoringSecondsPerAudioSecond: Double? = nil,
    processor: String = "unknown processor", doubt: Double = 0
  ) {
    self.origin = origin
    self.preset = preset
    self.recomputes = recomputes
    self.step = step
    self.jitter = jitter
    self.memory = memory
    self.scoringSecondsPerAudioSecond =
      scoringSecondsPerAudioSecond ?? step.scoringSecondsPerAudioSecond
    self.processor = processor
    self.doubt = doubt
  }

  /// What `record`, read from `origin`, says.
  package init(_ record: StepRecord, origin: String) throws(ScalingError) {
    guard let before = record.residentBytesBeforeSteps, let activations = record.activationBytes,
      record.batch > 0, record.stepSeconds > 0, record.scaling.parameterCount > 0
    else { throw .notAStep(path: origin) }
    let hasWire = record.ranks > 1 || record.wire != .float64
    self.init(
      origin: origin, preset: record.preset, recomputes: record.recompute,
      step: StepModel(record), jitter: record.scaling.jitter,
      memory: Memory(
        before: before, activations: max(0, activations),
        wire: hasWire ? record.wire.bufferByteCount * record.scaling.parameterCount : 0),
      scoringSecondsPerAudioSecond: record.scoringSecondsPerAudioSecond,
      processor: record.processor,
      doubt: max(record.spread, abs(record.singleUtteranceDifference ?? 0)))
  }

  /// The calibration in a file of `bench step` or of `plan`.
  package static func load(_ path: String) throws(ScalingError) -> PlanCalibration {
    try PlanCalibration(try StepRecord.read(path), origin: path)
  }

  /// Throws unless it is of the steps that `request` is about.
  package func verify(_ request: PlanRequest) throws(PlanError) {
    let path = origin
    func check(_ option: String, _ measured: String, _ planned: String) throws(PlanError) {
      if measured != planned {
        throw .otherCalibration(
          path: path, option: option, measured: measured, planned: planned)
      }
    }
    try check("--preset", preset, request.configuration.model.name)
    try check("--threads", "\(step.threads)", "\(request.threads)")
    try check(
      "--seconds", NumberText.setting(step.audioSeconds),
      NumberText.setting(request.configuration.cropSeconds))
    if recomputes != request.recomputes {
      throw .otherCalibration(
        path: path, option: "--recompute", measured: recomputes ? "on" : "off",
        planned: request.recomputes ? "on" : "off")
    }
  }
}
