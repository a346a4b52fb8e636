extension RunEvent {
  /// A checkpoint is complete.
  package struct Checkpoint: EventFields, Codable {
    package static let name = "checkpoint"
    /// Steps of the run that are done.
    package var step = 0
    /// Path of the checkpoint.
    package var file = ""
    package var bytes = 0
    /// Time to make, write and verify it.
    package var seconds = 0.0

    package init() {}

    /// Checkpoint of `bytes` bytes at the path `file`, made in `seconds` seconds after step `step`.
    package init(step: Int, file: String, bytes: Int, seconds: Double) {
      self.step = step
      self.file = file
      self.bytes = bytes
      self.seconds = seconds
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("file", &file)
      try fields("bytes", &bytes)
      try fields("seconds", &seconds)
    }

    package var event: RunEvent { .checkpoint(self) }
  }

  /// A run stops before its last epoch.
  package struct Stop: EventFields {
    package static let name = "stop"
    /// Steps of the run that are done and saved.
    package var step = 0
    package var reason = ""

    package init() {}

    /// Stop after step `step`, which is saved; `reason` is a few words for people.
    package init(step: Int, reason: String) {
      self.step = step
      self.reason = reason
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("reason", &reason)
    }

    package var event: RunEvent { .stop(self) }
  }

  /// A damaged checkpoint is passed over.
  package struct Fallback: EventFields {
    package static let name = "fallback"
    /// Path of the checkpoint that cannot be used.
    package var file = ""
    package var reason = ""
    /// Path of the checkpoint that is used instead.
    package var used = ""
    /// Steps that are done in that one.
    package var step = 0

    package init() {}

    /// Fallback from the checkpoint `file` to `used`, which holds step `step`.
    package init(file: String, reason: String, used: String, step: Int) {
      self.file = file
      self.reason = reason
      self.used = used
      self.step = step
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields("file", &file)
      try fields("reason", &reason)
      try fields("used", &used)
      try fields.required("step", &step)
    }

    package var event: RunEvent { .fallback(self) }
  }
}
