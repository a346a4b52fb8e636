import Files
import Platform

/// Reasons for which weights are rejected.
public enum WeightFileError: Error, Equatable, CustomStringConvertible {
  /// A fault of one tensor.
  public enum Fault: Sendable, Equatable {
    /// The file lacks this parameter of the model.
    case missing(name: String, shape: [Int])
    /// The file has this tensor, but the model has no such parameter.
    case unexpected(name: String, shape: [Int])
    /// The tensor's shape is not that of the parameter.
    case wrongShape(name: String, expected: [Int], found: [Int])
    /// The tensor's elements are not float32.
    case wrongType(name: String, dtype: String)
    /// The tensor has `count` elements that are infinite or not a number.
    case notFinite(name: String, count: Int)
  }

  /// The file does not fit the model; `writtenFor` is the model that the file names, if any.
  case unfit(path: String, model: String, writtenFor: String?, faults: [Fault])
  /// The file is no valid safetensors file.
  case invalid(SafetensorsError)
  /// The level of signals that the file names is none that this program knows.
  case unknownLevel(path: String, name: String)
  /// The configuration in the file's metadata is broken.
  case configuration(ConfigurationError)

  /// One sentence with the file, the model it was written for, and the faults, at most eight of
  /// each kind.
  public var description: String {
    switch self {
    case .invalid(let error): return error.description
    case .configuration(let error): return error.description
    case .unknownLevel(let path, let name):
      return "\(path): the level \"\(name)\" of the model's signals is unknown; use the version of "
        + "the program that wrote the file"
    case .unfit(let path, let model, let writtenFor, let faults):
      var text = "\(path): the weights do not fit the model \"\(model)\""
      if let writtenFor, writtenFor != model {
        text += " (they were written for \"\(writtenFor)\")"
      }
      let kinds = [
        ("missing", faults.compactMap(\.missing)), ("unexpected", faults.compactMap(\.unexpected)),
        ("of the wrong shape", faults.compactMap(\.wrongShape)),
        ("not float32", faults.compactMap(\.wrongType)),
        ("not finite", faults.compactMap(\.notFinite)),
      ]
      let clauses = kinds.filter { !$0.1.isEmpty }.map { kind, items in
        let shown = items.prefix(8).joined(separator: ", ")
        let rest = items.count > 8 ? " and \(items.count - 8) more" : ""
        return "\(items.count) \(kind): \(shown)\(rest)"
      }
      return text + ": " + clauses.joined(separator: "; ")
    }
  }
}

extension WeightFileError.Fault {
  fileprivate var missing: String? {
    if case .missing(let name, let shape) = self { return "\(name) \(shape)" }
    return nil
  }

  fileprivate var unexpected: String? {
    if case .unexpected(let name, let shape) = self { return "\(name) \(shape)" }
    return nil
  }

  fileprivate var wrongShape: String? {
    if case .wrongShape(let name, let expected, let found) = self {
      return "\(name) \(found) instead of \(expected)"
    }
    return nil
  }

  fileprivate var wrongType: String? {
    if case .wrongType(let name, let dtype) = self { return "\(name) (\(dtype))" }
    return nil
  }

  fileprivate var notFinite: String? {
    if case .notFinite(let name, let count) = self {
      return "\(name) (\(NumberText.count(count, "element")))"
    }
    return nil
  }
}
