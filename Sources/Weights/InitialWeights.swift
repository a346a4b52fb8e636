import Files
import Foundation
import Models
import Platform

/// Reasons for which a run cannot start from a file.
package enum InitialWeightsError: Error, Equatable, CustomStringConvertible {
  /// The path names a folder, which holds these files of weights.
  case folder(path: String, weights: [String])
  /// The file is of Python's pickle, or an archive with one.
  case pickle(path: String, kind: String)
  /// The file holds something else of this program, by the name of its format.
  case otherFormat(path: String, format: String)
  /// The file is none of weights.
  case unreadable(WeightFileError)
  /// Not all weights fit the model.
  case unfit(WeightFileError)
  /// No tensor of the file fits the model; `writtenFor` is another model that the file names.
  case nothingFits(path: String, model: String, writtenFor: String?, reasons: String)

  /// One sentence that names the file and says what to do.
  package var description: String {
    switch self {
    case .folder(let path, let weights):
      weights.isEmpty
        ? "\(path) is a folder without weights; give a file of weights"
        : "\(path) is a folder; give one of the files of weights in it: "
          + ItemList.text(weights)
    case .pickle(let path, let kind):
      "\(path) is \(kind), which can run any program when it is read; convert it in Python: "
        + "python -m disttrain.torch convert \(path) \(Self.converted(path))"
    case .otherFormat(let path, let format):
      "\(path) is a file of the format \(format) and holds no weights; give a file of weights"
    case .unreadable(let error): error.description
    case .unfit(let error): "\(error); --init-partial takes those that fit"
    case .nothingFits(let path, let model, let writtenFor, let reasons):
      "\(path): no tensor fits the model \"\(model)\" in name and shape, so nothing would be taken "
        + "from the file: \(reasons); give weights of that model"
        + (writtenFor.map { ", not of \"\($0)\"" } ?? "")
    }
  }

  /// The path of the converted file.
  private static func converted(_ path: String) -> String {
    let name = PathText.name(path)
    let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
    return (stem.isEmpty ? name[...] : stem) + ".safetensors"
  }
}

/// A file of weights that a run starts from: weights of this program, a checkpoint of a run, of
/// which the averaged weights are taken if there are any, as `enhance` does, or tensors of other
/// programs.
package struct InitialWeights {
  /// The file.
  package let file: WeightFile
  /// The tensors that are weights, under their names without a prefix of checkpoints.
  let tensors: [(name: String, entry: SafetensorsFile.Entry)]

  /// Reads the file at `path`.
  ///
  /// - Throws: `InitialWeightsError` if it is a folder, a pickle, or no whole safetensors file.
  package init(contentsOf path: String) throws(InitialWeightsError) {
    if PathKind(path) == .folder {
      throw .folder(path: path, weights: Self.weights(inFolder: path))
    }
    do {
      file = try WeightFile(contentsOf: URL(fileURLWithPath: path))
    } catch {
      if case .invalid(.anotherKind(_, let kind)) = error,
        kind.contains("zip archive")
          || kind.contains("pickle") || PathText.fileExtension(path) == "pth"
      {
        throw .pickle(path: path, kind: kind)
      }
      throw .unreadable(error)
    }
    // Packed corpora and remembered utterances are safetensors files, too.
    if let format = file.metadata("format"), format.hasPrefix("disttrain-") {
      throw .otherFormat(path: path, format: format)
    }
    let prefix = isAveraged(file) ? WeightFile.averagePrefix : ""
    let others = file.isCheckpoint && prefix.isEmpty ? WeightFile.checkpointPrefixes : []
    tensors = file.tensors.compactMap { entry in
      guard entry.name.hasPrefix(prefix), !others.contains(where: entry.name.hasPrefix) else {
        return nil
      }
      return (String(entry.name.dropFirst(prefix.count)), entry)
    }
  }

  /// The card of the file; nil for checkpoints, and for files of other programs and of versions
  /// without cards.
  package var card: WeightCard? { file.metadata(WeightCard.key).flatMap(WeightCard.init(parsing:)) }

  /// A noun phrase that says which weights of which program these are.
  package var summary: String {
    let model = file.configuration.map { " of \"\($0.name)\"" } ?? ""
    let program = file.metadata(WeightFile.programKey).map { ", written by \($0)" } ?? ""
    if file.isCheckpoint {
      let card = WeightCard(ofCheckpoint: file)
      let weights = isAveraged(file) ? "averaged weights" : "weights"
      return "\(card?.summary ?? weights), of a checkpoint\(model)"
    }
    if let card { return card.summary + model + program }
    return model.isEmpty ? "tensors of another program" : "weights\(model)\(program)"
  }

  /// The name of the file without folders.
  package var name: String { PathText.name(file.path) }

  /// A hash of names, shapes, types and bytes of the weights, 16 hexadecimal digits.
  package var fingerprint: String {
    let texts = tensors.map { name, entry in
      "\(name) \(entry.shape) \(entry.dtype) \(entry.withBytes { CRC32C($0) }.text)\n"
    }
    return String(format: "%016llx", FNV1a.hash(texts.sorted().joined().utf8))
  }

  /// Names of the files of weights in the folder at `path`: the best ones first, then other
  /// weights, then checkpoints, the newest first.
  static func weights(inFolder path: String) -> [String] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
      .filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix("utterances-") }
    func place(_ name: String) -> Int {
      let starts = ["best", "last-weights", "mean-best", "last"]
      return starts.firstIndex(where: name.hasPrefix) ?? (name.hasPrefix("step-") ? 5 : 4)
    }
    return names.sorted { one, other in
      let (first, second) = (place(one), place(other))
      return first == second ? (first == 5 ? one > other : one < other) : first < second
    }
  }
}

private func isAveraged(_ file: WeightFile) -> Bool { file.isCheckpoint && file.hasAverage }
