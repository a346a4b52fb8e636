import Platform

/// The figures of measured steps on which a plan is based.
package struct PlanCalibration: Equatable, Sendable {
  /// Resident memory of a rank, in bytes.
  package struct Memory: Equatable, Sendable {
    /// Memory before the first step: program, weights, gradients, moments, sums, audio.
    package var before: Int
    /// Memory of an utterance's activations and of the buffers of its backward pass.
    package var activations: Int
    /// Part of `before` that buffers of the exchange take.
    package var wire: Int

    /// Memory of a rank, in bytes.
    package init(before: Int, activations: Int, wire: Int = 0) {
      self.before = before
      self.activations = activations
      self.wire = wire
    }
  }

  /// Source of the figures: a path, or "by hand".
  package var origin: String
  /// Name of the model that was measured.
  package var preset: String
  /// Frames of a crop's spectrum; nil if they are not known.
  package var frames: Int?
  /// Whether activations were recomputed in backward.
  package var recomputes: Bool
  package var step: StepModel
  /// Relative deviation of the computing time.
  package var jitter: Double?
  package var memory: Memory
  /// Time of one core to enhance and score a second of audio, in seconds.
  package var scoringSecondsPerAudioSecond: Double
  /// The processor that was measured.
  package var processor: String
  /// Relative uncertainty: the larger of the spread of measured steps, and the difference of steps
  /// of one utterance from the forecast.
  package var doubt: Double

  /// Calibration in which `jitter` and `doubt` are relative; the time of scoring follows from
  /// the step's unless it was measured.
  package init(
    origin: String = "by hand", preset: String, frames: Int? = nil, recomputes: Bool = false,
    step: StepModel,
    jitter: Double? = nil, memory: Memory, scoringSecondsPerAudioSecond: Double? = nil,
    processor: String = "unknown processor", doubt: Double = 0
  ) {
    self.origin = origin
    self.preset = preset
    self.frames = frames
    self.recomputes = recomputes
    self.step = step
    self.jitter = jitter
    self.memory = memory
    self.scoringSecondsPerAudioSecond =
      scoringSecondsPerAudioSecond ?? step.scoringSecondsPerAudioSecond
    self.processor = processor
    self.doubt = doubt
  }

  /// The calibration of `record`, which was read from `origin`.
  ///
  /// - Throws: `ScalingError` if the record lacks figures.
  package init(_ record: StepRecord, origin: String) throws(ScalingError) {
    guard let before = record.residentBytesBeforeSteps, let activations = record.activationBytes,
      record.batch > 0, record.stepSeconds > 0, record.scaling.parameterCount > 0
    else { throw .notAStep(path: origin) }
    let hasWire = record.ranks > 1 || record.wire != .float64
    self.init(
      origin: origin, preset: record.preset, frames: record.frames,
      recomputes: record.recompute,
      step: StepModel(record), jitter: record.scaling.jitter,
      memory: Memory(
        before: before, activations: max(0, activations),
        wire: hasWire ? record.wire.bufferByteCount * record.scaling.parameterCount : 0),
      scoringSecondsPerAudioSecond: record.scoringSecondsPerAudioSecond,
      processor: record.processor,
      doubt: max(record.spread, abs(record.singleUtteranceDifference ?? 0)))
  }

  /// Reads the calibration from a file of `bench step` or of `plan`.
  ///
  /// - Throws: `ScalingError` if the file cannot be read or lacks figures.
  package static func load(_ path: String) throws(ScalingError) -> PlanCalibration {
    try PlanCalibration(try StepRecord.read(path), origin: path)
  }

  /// Checks that the calibration measured such steps as `request` has.
  ///
  /// - Throws: `PlanError.otherCalibration`.
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
    // A model of one name may have another hop or sample rate.
    let configuration = request.configuration
    let frontEnd = configuration.model.frontEnd
    let planned = frontEnd.frameCount(
      sampleCount: frontEnd.sampleCount(seconds: configuration.cropSeconds))
    try check(
      "crops of", NumberText.count(frames ?? planned, "frame"),
      NumberText.count(planned, "frame"))
    if recomputes != request.recomputes {
      throw .otherCalibration(
        path: path, option: "--recompute", measured: recomputes ? "on" : "off",
        planned: request.recomputes ? "on" : "off")
    }
  }
}
