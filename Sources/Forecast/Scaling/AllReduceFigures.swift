import Communication
import Files
import Foundation
import Platform

/// What an all-reduce benchmark found, on one level as in its JSON.
package struct AllReduceFigures: Encodable {
  /// The kind of its files.
  package static let kind = "allreduce"
  /// What training sends gradients with.
  package static let exchange = "exchange"
  /// What the MPI library offers.
  package static let plain = "allreduce"

  /// One size of one algorithm; times are means over the iterations.
  package struct Row: Encodable {
    package let algorithm: String
    /// Bytes of the buffer on the wire.
    package let bytes: Int
    /// Mean over the ranks.
    let averageSeconds: Double
    let minimumSeconds: Double
    package let maximumSeconds: Double
    let iterations: Int
    /// S/t·2(n − 1)/n, of the average time: what each rank's link carried each way, if the algorithm
    /// moves no more than it has to.
    let busBytesPerSecond: Double

    package init(
      algorithm: String, bytes: Int, averageSeconds: Double, minimumSeconds: Double,
      maximumSeconds: Double, iterations: Int, busBytesPerSecond: Double
    ) {
      self.algorithm = algorithm
      self.bytes = bytes
      self.averageSeconds = averageSeconds
      self.minimumSeconds = minimumSeconds
      self.maximumSeconds = maximumSeconds
      self.iterations = iterations
      self.busBytesPerSecond = busBytesPerSecond
    }

    package init(
      algorithm: String, bytes: Int, averageSeconds: Double, minimumSeconds: Double,
      maximumSeconds: Double, iterations: Int, ranks: Int
    ) {
      self.algorithm = algorithm
      self.bytes = bytes
      self.averageSeconds = averageSeconds
      self.minimumSeconds = minimumSeconds
      self.maximumSeconds = maximumSeconds
      self.iterations = iterations
      let share = 2 * Double(ranks - 1) / Double(ranks)
      busBytesPerSecond = averageSeconds > 0 ? Double(bytes) / averageSeconds * share : 0
    }
  }

  package let ranks: Int
  package let hosts: Int
  package let ranksPerHost: Int
  package let wire: String
  package let bucketBytes: Int
  /// α of the exchange: seconds of a message.
  package let alphaSeconds: Double
  /// B of the exchange: bytes a second of a link each way.
  package let bytesPerSecond: Double
  /// How far the sizes are from the fit: root of the mean square of the relative errors.
  package let fitError: Double
  /// What computing loses for each byte that its rank sends or receives beside it.
  package let processorSecondsPerByte: Double
  package let rows: [Row]

  package init(
    layout: RankLayout, wire: WireFormat, bucketBytes: Int, rows: [Row],
    processorSecondsPerByte: Double
  ) {
    self.processorSecondsPerByte = processorSecondsPerByte
    ranks = layout.ranks
    hosts = layout.hosts
    ranksPerHost = layout.perHost
    self.wire = wire.rawValue
    self.bucketBytes = bucketBytes
    self.rows = rows
    let points = rows.filter { $0.algorithm == Self.exchange }.map { row in
      let buckets = (row.bytes + bucketBytes - 1) / bucketBytes
      return NetworkFit.Point(
        messages: Double(AllReduceCost.pairwiseMessages(layout) * buckets),
        bytes: AllReduceCost.pairwiseLinkBytes(Double(row.bytes), layout),
        seconds: row.averageSeconds)
    }
    let fit = NetworkFit(points)
    // One size alone has no slope: all its time counts as bytes.
    let single = points.first.map { $0.bytes / max($0.seconds, 1e-9) } ?? 1
    alphaSeconds = fit?.alpha ?? 0
    bytesPerSecond = fit?.bandwidth ?? single
    fitError = fit?.error ?? 0
  }

  /// The rows for a spreadsheet; seconds as they are.
  package var csv: String {
    let header = [
      "algorithm", "ranks", "bytes", "average_seconds", "minimum_seconds", "maximum_seconds",
      "iterations", "bus_bytes_per_second",
    ]
    return TextTable(
      [header]
        + rows.map { row in
          [
            row.algorithm, "\(ranks)", "\(row.bytes)", "\(row.averageSeconds)",
            "\(row.minimumSeconds)", "\(row.maximumSeconds)", "\(row.iterations)",
            "\(row.busBytesPerSecond)",
          ]
        }
    ).csv
  }
}

extension AllReduceFigures: CustomStringConvertible {
  /// A table for each algorithm, and the fit.
  package var description: String {
    let place = hosts == 1 ? "on one host" : "on \(hosts) hosts of at most \(ranksPerHost)"
    return [
      "\(NumberText.count(ranks, "rank")) \(place)",
      "",
      "exchange of gradients as in training: reduce-scatter (all to all) and all-gather, \(wire), in "
        + "buckets of \(NumberText.figures(Double(bucketBytes) / 1e6)) MB",
      table(Self.exchange).aligned,
      "",
      "all-reduce of the MPI library, float64",
      table(Self.plain).aligned,
      "",
      "fit of the exchange: alpha \(NumberText.figures(alphaSeconds * 1e6)) µs a message, B "
        + "\(NumberText.figures(bytesPerSecond / 1e9)) GB/s a link each way; sizes are "
        + "\(NumberText.percent(fitError)) off it (root mean square)",
      "beside computing: a byte sent or received takes "
        + "\(NumberText.figures(processorSecondsPerByte * 1e9)) ns from it",
    ].joined(separator: "\n")
  }

  private func table(_ algorithm: String) -> TextTable {
    func microseconds(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1e6) }
    let header = ["bytes", "avg µs", "min µs", "max µs", "iterations", "bus GB/s"]
    return TextTable(
      [header]
        + rows.filter { $0.algorithm == algorithm }.map { row in
          [
            "\(row.bytes)", microseconds(row.averageSeconds), microseconds(row.minimumSeconds),
            microseconds(row.maximumSeconds), "\(row.iterations)",
            NumberText.figures(row.busBytesPerSecond / 1e9),
          ]
        })
  }
}
