import Models
import Platform

/// Why a model cannot be trained here.
package enum ModelMemoryError: Error, Equatable, CustomStringConvertible {
  /// Parameters, gradients and moments alone take more than the machine has, in bytes.
  case tooLarge(model: String, parameters: Int, needed: Int, available: Int)

  /// One sentence that names the model and says what to do.
  package var description: String {
    switch self {
    case .tooLarge(let model, let parameters, let needed, let available):
      "--preset \(model): its \(parameters) parameters take \(Self.gigabytes(needed)) in each rank "
        + "with gradients and Adam's moments, and this machine gives \(Self.gigabytes(available)); "
        + "lower \"features\", \"layers\" or \"expand\", or take another machine"
    }
  }

  private static func gigabytes(_ bytes: Int) -> String {
    NumberText.fixed(Double(bytes) / 1e9, digits: 1) + " GB"
  }
}

/// Memory that a model takes in training whatever the batch is.
package enum ModelMemory {
  /// Throws `ModelMemoryError` if the model alone does not fit into `available` bytes: the system
  /// would end the process without a word.
  package static func require(
    _ model: ModelConfiguration, available: Int
  ) throws(ModelMemoryError) {
    let parameters = SpeechEnhancer.parameterCount(of: model)
    // Values, gradients and two moments in float32.
    let needed = parameters * 16
    if needed > available {
      throw .tooLarge(
        model: model.name, parameters: parameters, needed: needed, available: available)
    }
  }
}
