import Charts
import Files
import Foundation

/// The style sheet and the script of a report: the files in the folder `Resources`.
enum ReportStyle {
  /// The content security policy: nothing may be loaded that is not in the page, and of scripts
  /// only `script` runs, which its SHA-256 names.
  static let policy = policy(script: script.text)

  /// The policy of a page whose only script is `script`.
  static func policy(script: String) -> String {
    let hash = Data(SHA256.hash(of: Array(script.utf8))).base64EncodedString()
    return "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
      + "script-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'"
  }

  /// The script, as it stands in the page.
  static let script = text(PackageResources.report_js)

  /// The style sheet, with colours by the reader's preference.
  static let sheet = Markup(
    stringLiteral: """
      :root{\(ChartStyle.lightColours)}
      @media (prefers-color-scheme:dark){:root{\(ChartStyle.darkColours)}}
      @media print{:root{\(ChartStyle.lightColours)}}
      \(text(PackageResources.report_css).text)\(ChartStyle.rules)
      """)

  private static func text(_ bytes: [UInt8]) -> Markup {
    Markup(stringLiteral: String(decoding: bytes, as: UTF8.self))
  }
}
