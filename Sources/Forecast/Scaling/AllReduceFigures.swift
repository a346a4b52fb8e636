import Communication
import Files
import Foundation
import Platform

/// The figures of an all-reduce benchmark, on one level as in its JSON.
package struct AllReduceFigures: Encodable {
  /// Kind of the result files.
  package static let kind = "allreduce"
  /// Name of the exchange that training uses.
  package static let exchange = "exchange"
  /// Name of the MPI library's all-reduce.
  package static let plain = "allreduce"

  /// The figures of one algorithm at one size; times are means over the iterations.
  package struct Row: Encodable {
    package let algorithm: String
    /// Size of the buffer, in bytes on the wire.
    package let bytes: Int
    /// Mean time over the ranks.
    let averageSeconds: Double
    let minimumSeconds: Double
    package let maximumSeconds: Double
    let iterations: Int
    /// Bus bandwidth S/t·2(n − 1)/n from the average time: the bandwidth of each rank's link each
    /// way if the algorithm moves no more bytes than necessary.
    let busBytesPerSecond: Double

    /// Row of a measured bandwidth; `bytes` on the wire, times in seconds.
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

    /// Row whose bus bandwidth follows from its mean time over `ranks` ranks.
    package init(
      algorithm: String, bytes: Int, averageSeconds: Double, minimumSeconds: Double,
      maximumSeconds: Double, iterations: Int, ranks: Int
    ) {
      let share = 2 * Double(ranks - 1) / Double(ranks)
      self.init(
        algorithm: algorithm, bytes: bytes, averageSeconds: averageSeconds,
        minimumSeconds: minimumSeconds, maximumSeconds: maximumSeconds, iterations: iterations,
        busBytesPerSecond: averageSeconds > 0 ? Double(bytes) / averageSeconds * share : 0)
    }
  }

  package let ranks: Int
  package let hosts: Int
  package let ranksPerHost: Int
  package let wire: String
  package let bucketBytes: Int
  /// Cost α of a message of the exchange, in seconds.
  package let alphaSeconds: Double
  /// Bandwidth B of a link in the exchange, in bytes per second each way.
  package let bytesPerSecond: Double
  /// Error of the fit: root of the mean square of the relative errors over the sizes.
  package let fitError: Double
  /// Time that computing loses per byte which its rank sends or receives meanwhile.
  package let processorSecondsPerByte: Double
  package let rows: [Row]

  /// Figures of `rows` on ranks laid out as `layout`, with α and B fitted to the exchange's rows.
  /// If these are of one size only, α is 0 and all of the time counts as bandwidth.
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
    // A single size has no slope, so all of its time counts as bandwidth.
    let single = points.first.map { $0.bytes / max($0.seconds, 1e-9) } ?? 1
    alphaSeconds = fit?.alpha ?? 0
    bytesPerSecond = fit?.bandwidth ?? single
    fitError = fit?.error ?? 0
  }

  /// The rows as CSV, with times in seconds.
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
  /// The figures as text: a table for each algorithm, and the fit.
  package var description: String {
    let place = hosts == 1 ? "on one host" : "on \(hosts) hosts of at most \(ranksPerHost)"
    return [
      "\(NumberText.count(ranks, "rank")) \(place)",
      "",
      "exchange of gradients as in training: reduce-scatter (all to all) and all-gather, \(wire), "
        + "in buckets of \(NumberText.figures(Double(bucketBytes) / 1e6)) MB",
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
