import Platform

/// Why a checkpoint cannot be used.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// There is none, though the folder may hold `others` of the files of a run.
  case missing(path: String, others: [String])
  /// The file cannot be read, or is not what was written.
  case damaged(path: String, reason: String)
  /// A safetensors file that lacks what a checkpoint holds.
  case incomplete(path: String, missing: String)
  /// The file has a key or a tensor that this version does not know, and that it must not ignore.
  case newer(path: String, holds: String)
  /// The checkpoint of another experiment.
  case otherRecipe(path: String, differences: [String])
  /// The checkpoint's step does not exist in an epoch of this training split.
  case otherSplit(path: String, step: Int, stepsPerEpoch: Int)
  /// The run is in a later epoch than the last that is asked for.
  case fewerEpochs(path: String, begun: Int, asked: Int)
  /// Every checkpoint in the folder is unusable; `reasons` holds a sentence for each.
  case noneUsable(folder: String, reasons: [String])
  /// The data read back after writing differs.
  case notKept(path: String, reason: String)

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .missing(let path, let others):
      "\(path): no checkpoint to resume from; "
        + (others.isEmpty
          ? "omit --resume to start a new run"
          : "the folder holds only other files of a run (\(others.joined(separator: ", "))): put "
            + "back a checkpoint, or start a new run in another --run-dir")
    case .damaged(let path, let reason):
      "\(path): the checkpoint cannot be read: \(reason)"
    case .incomplete(let path, let missing):
      "\(path): the checkpoint holds no \(missing); a file with weights only can be evaluated, but "
        + "not resumed"
    case .newer(let path, let name):
      "\(path): the checkpoint holds \(name), which \(Program.nameAndVersion) does not know; "
        + "resume it with the version of the program that wrote it"
    case .otherRecipe(let path, let differences):
      "\(path): cannot be resumed with other settings: \(differences.joined(separator: "; ")); "
        + "give the run's own settings or start a new --run-dir"
    case .otherSplit(let path, let step, let stepsPerEpoch):
      "\(path): the checkpoint is of step \(step) of an epoch, but an epoch of this training split "
        + "has only \(stepsPerEpoch); give the run's own --data or start a new --run-dir"
    case .fewerEpochs(let path, let begun, let asked):
      "\(path): the run has begun epoch \(begun), and cannot end with --epochs \(asked); give "
        + "--epochs \(begun) or more"
    case .noneUsable(let folder, let reasons):
      "\(folder): no checkpoint can be resumed: \(reasons.joined(separator: "; ")); put back a "
        + "whole one or start a new --run-dir"
    case .notKept(let path, let reason):
      "\(path) could not be saved: what the disk gives back is not what was written (\(reason)); "
        + "the checkpoints before it are untouched; check the disk, or choose another one"
    }
  }

  /// Whether an older checkpoint may do where this one does not.
  var isOfOneFile: Bool {
    switch self {
    case .damaged, .incomplete: true
    case .missing, .newer, .otherRecipe, .otherSplit, .fewerEpochs, .noneUsable, .notKept: false
    }
  }
}
