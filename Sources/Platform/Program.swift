/// The program's name and version, as `--version` prints them and weight files carry them.
public enum Program {
  /// The version; CHANGELOG says what is in it.
  public static let version = "0.3.0-dev"
  /// "disttrain" and the version.
  public static let nameAndVersion = "disttrain \(version)"
}
