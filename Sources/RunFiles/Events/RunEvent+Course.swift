extension RunEvent {
  /// A run starts, or is resumed.
  package struct Start: EventFields {
    package static let name = "start"
    /// Steps of the run that are done: 0 for a new run.
    package var step = 0
    package var program: String?
    package var model: String?
    package var ranks: Int?
    package var kernels: String?
    // Version 0.1.0 does not write these.
    package var data: String?
    package var corpus: String?
    package var epochs: Int?
    package var stepsPerEpoch: Int?
    package var audioSecondsPerStep: Double?

    package init() {}

    /// Start of a job, or its resumption, with all fields of the present version.
    package init(
      step: Int, program: String, model: String, ranks: Int, kernels: String, data: String,
      corpus: String, epochs: Int, stepsPerEpoch: Int, audioSecondsPerStep: Double
    ) {
      self.step = step
      self.program = program
      self.model = model
      self.ranks = ranks
      self.kernels = kernels
      self.data = data
      self.corpus = corpus
      self.epochs = epochs
      self.stepsPerEpoch = stepsPerEpoch
      self.audioSecondsPerStep = audioSecondsPerStep
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("program", &program)
      try fields("model", &model)
      try fields("ranks", &ranks)
      try fields("kernels", &kernels)
      try fields("data", &data)
      try fields("corpus", &corpus)
      try fields("epochs", &epochs)
      try fields("steps_per_epoch", &stepsPerEpoch)
      try fields("audio_seconds_per_step", &audioSecondsPerStep)
    }

    package var event: RunEvent { .start(self) }
  }

  /// A training step is done.
  package struct Step: EventFields {
    package static let name = "step"
    /// Number of the step in the run, from 1.
    package var step = 0
    /// Mean over the crops of all ranks. Not finite while the run writes, it is nil to readers.
    package var loss: Double?
    package var gradientNorm: Double?
    package var learningRate = 0.0
    package var isSkipped = false
    // Version 0.1.0 does not write these.
    /// Seconds that a rank waited for crops, mean over ranks.
    package var dataSeconds = 0.0
    /// Seconds in which rank 0 loaded and computed.
    package var busySeconds = 0.0
    /// Seconds that rank 0 waited for the exchange of gradients.
    package var exposedSeconds = 0.0

    package init() {}

    /// Step number `step`, from 1, with all fields of the present version; times are in seconds.
    package init(
      step: Int, loss: Double, gradientNorm: Double, learningRate: Double, isSkipped: Bool,
      dataSeconds: Double, busySeconds: Double, exposedSeconds: Double
    ) {
      self.step = step
      self.loss = loss
      self.gradientNorm = gradientNorm
      self.learningRate = learningRate
      self.isSkipped = isSkipped
      self.dataSeconds = dataSeconds
      self.busySeconds = busySeconds
      self.exposedSeconds = exposedSeconds
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("loss", &loss)
      try fields("gradient_norm", &gradientNorm)
      try fields("learning_rate", &learningRate)
      try fields("skipped", &isSkipped)
      try fields("data_seconds", &dataSeconds)
      try fields("busy_seconds", &busySeconds)
      try fields("exposed_exchange_seconds", &exposedSeconds)
    }

    package var event: RunEvent { .step(self) }
  }

  /// A step did without crops that could not be loaded.
  package struct LeftOut: EventFields {
    package static let name = "left_out"
    /// Number of the step.
    package var step = 0
    /// Its epoch, from 1.
    package var epoch = 0
    /// Names of the utterances, of all ranks.
    package var utterances: [String] = []
    /// Paths of the files with what is wrong, in the order of `utterances`.
    package var reasons: [String] = []
    /// Crops that were left out since the start of the job or its resumption, these included.
    package var cropCount = 0

    package init() {}

    /// Report on the step `step`, with all fields of the present version.
    package init(
      step: Int, epoch: Int, utterances: [String], reasons: [String], cropCount: Int
    ) {
      self.step = step
      self.epoch = epoch
      self.utterances = utterances
      self.reasons = reasons
      self.cropCount = cropCount
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("epoch", &epoch)
      try fields("utterances", &utterances)
      try fields("reasons", &reasons)
      try fields("crops", &cropCount)
    }

    package var event: RunEvent { .leftOut(self) }
  }

  /// An epoch is validated.
  package struct Epoch: EventFields {
    package static let name = "epoch"
    package var report = EpochReport()
    /// Number of the last step of the epoch; nil in files of version 0.1.0.
    package var step: Int?
    /// Seconds that steps waited for crops, of the rank that waited longest; nil in files of
    /// version 0.1.0.
    package var dataSeconds: Double?
    /// Rule of the selection score; nil in files of versions that did not write it.
    package var selectedBy: String?

    package init() {}

    /// End of the epoch of `report`, whose last step was `step`; `dataSeconds` is the longest
    /// rank's wait for crops, and `selectedBy` the meaning of the selection score.
    package init(
      _ report: EpochReport, step: Int, dataSeconds: Double, selectedBy: String? = nil
    ) {
      self.report = report
      self.step = step
      self.dataSeconds = dataSeconds
      self.selectedBy = selectedBy
    }

    /// The score by which the best epoch is chosen; nil if there is none.
    package var selectionScore: Double? {
      selectedBy == nil ? report.standardScore : report.selection
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try report.visit(&fields)
      try fields("step", &step)
      try fields("data_seconds", &dataSeconds)
      try fields("selected_by", &selectedBy)
    }

    package var event: RunEvent { .epoch(self) }
  }

  /// The steps of an epoch are done, in which ranks waited for each other.
  package struct Waiting: EventFields {
    package static let name = "waiting"
    /// Number of the last step of the epoch.
    package var step = 0
    /// Host of the rank that the others waited for most.
    package var host = ""
    package var report = StragglerReport()

    package init() {}

    /// Report on the waits in the epoch that ended with `step`; `host` is that of its slowest rank.
    package init(_ report: StragglerReport, step: Int, host: String) {
      self.report = report
      self.step = step
      self.host = host
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("host", &host)
      try report.visit(&fields)
    }

    package var event: RunEvent { .waiting(self) }
  }
}
