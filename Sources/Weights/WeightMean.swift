import Files
import Foundation
import Models
import Platform

/// Reasons for which weights have no mean.
package enum WeightMeanError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be read, or is not of the model that the others are of.
  case unusable(path: String, reason: String)

  /// One sentence that names the file.
  package var description: String {
    switch self {
    case .unusable(let path, let reason): "\(path): no mean with these weights: \(reason)"
    }
  }
}

/// The mean of the weights of several files, as a file.
package enum WeightMean {
  /// The bytes of a file with the mean of the weights in `files`, in double precision, rounded once
  /// for each number. The order of the files decides the order of the sums.
  ///
  /// - Parameters:
  ///   - files: files of weights of one model, at least one.
  ///   - configuration: the model.
  ///   - program: name and version of the writer.
  ///   - card: what the mean is.
  /// - Throws: `WeightMeanError` if a file is not of this model.
  package static func serialized(
    _ files: [WeightFile], of configuration: ModelConfiguration, program: String, card: WeightCard
  ) throws(WeightMeanError) -> Data {
    precondition(!files.isEmpty, "WeightMean: no files")
    let layout = SpeechEnhancer(layout: configuration)
    var entries: [SafetensorsFile.Entry] = []
    for parameter in layout.parameters.parameters {
      var sums = [Double](repeating: 0, count: parameter.count)
      for file in files {
        guard let entry = file.tensor(parameter.name), entry.shape == parameter.shape,
          let floats = entry.convertedFloats()
        else {
          throw .unusable(
            path: file.path, reason: "\(parameter.name) \(parameter.shape) is not among them")
        }
        for index in floats.indices { sums[index] += Double(floats[index]) }
      }
      let count = Double(files.count)
      entries.append(
        .init(name: parameter.name, shape: parameter.shape, values: sums.map { Float($0 / count) }))
    }
    return WeightFile.serialized(
      entries, of: configuration, level: files[0].level, program: program,
      metadata: [WeightCard.key: card.json.description])
  }
}
