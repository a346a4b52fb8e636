import Files
import Foundation
import Platform
import Tensor

/// The figures of a kernel benchmark, on one level as in its JSON.
package struct KernelFigures: Encodable {
  /// The part of an operation that a kernel computes.
  enum Pass: String, Encodable {
    case forward
    case backward
    case inputGradient = "dX"
    case weightGradient = "dW"
  }

  /// The figures of one kernel at one shape.
  struct Kernel: Encodable {
    let operation: String
    let pass: Pass
    let shape: String
    /// Shortest time of a call.
    let seconds: Double
    /// Time per number, or per token and channel; nil for products.
    let nanosecondsPerElement: Double?
    /// Time per element converted to a clock of 3.7 GHz, for comparisons of runs at different
    /// clocks.
    let nanosecondsPerElementAt3700MHz: Double?
    /// Time of OpenBLAS for the product; nil for other kernels.
    let openBLASSeconds: Double?
    let rate: AchievedRate

    private enum Key: String, CodingKey {
      case operation, pass, shape, seconds, nanosecondsPerElement, nanosecondsPerElementAt3700MHz
      case openBLASSeconds
    }

    /// Encodes the keys of the rate and the other keys on one level.
    func encode(to encoder: any Encoder) throws {
      try rate.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(operation, forKey: .operation)
      try container.encode(pass, forKey: .pass)
      try container.encode(shape, forKey: .shape)
      try container.encode(seconds, forKey: .seconds)
      try container.encodeIfPresent(nanosecondsPerElement, forKey: .nanosecondsPerElement)
      try container.encodeIfPresent(
        nanosecondsPerElementAt3700MHz, forKey: .nanosecondsPerElementAt3700MHz)
      try container.encodeIfPresent(openBLASSeconds, forKey: .openBLASSeconds)
    }
  }

  let preset: String
  /// Length of the utterance whose frames give the shapes, in seconds.
  let seconds: Double
  let fmaPeakGflops: Double
  let fmaPeakGflopsMinimum: Double
  let fmaPeakGflopsMaximum: Double
  let copy: CopyBandwidth
  let kernels: [Kernel]

  init(preset: String, seconds: Double, _ timer: KernelTimer, copy: CopyBandwidth) {
    self.preset = preset
    self.seconds = seconds
    self.copy = copy
    fmaPeakGflops = timer.peak.median / 1e9
    fmaPeakGflopsMinimum = timer.peak.minimum / 1e9
    fmaPeakGflopsMaximum = timer.peak.maximum / 1e9
    let limits = CoreLimits(
      flops: timer.peak.median, cacheBytes: copy.cache.gigabytesPerSecond * 1e9)
    kernels = timer.timings.map { timing in
      let nanoseconds = timing.elements.map { timing.seconds * 1e9 / Double($0) }
      return Kernel(
        operation: timing.operation, pass: timing.pass, shape: timing.shape,
        seconds: timing.seconds, nanosecondsPerElement: nanoseconds,
        nanosecondsPerElementAt3700MHz: nanoseconds.map { $0 * limits.clock / 3.7 },
        openBLASSeconds: timing.openBLASSeconds,
        rate: AchievedRate(timing.work, seconds: timing.seconds, limits))
    }
  }

  private var limits: CoreLimits {
    CoreLimits(flops: fmaPeakGflops * 1e9, cacheBytes: copy.cache.gigabytesPerSecond * 1e9)
  }
}

extension KernelFigures: CustomStringConvertible {
  /// The figures as a table of the products and one of the other kernels.
  package var description: String {
    [
      "\(preset), an utterance of \(NumberText.setting(seconds)) s",
      "FMA peak "
        + NumberText.spread(fmaPeakGflops, fmaPeakGflopsMinimum, fmaPeakGflopsMaximum)
        + " GFLOP/s, a clock of \(String(format: "%.2f GHz", limits.clock)); L2 copy "
        + "\(NumberText.figures(copy.cache.gigabytesPerSecond)) GB/s", "",
      "Products, rows x columns x depth; the last column is OpenBLAS's time over ours.",
      products.aligned, "",
      "Other kernels; ns for each number, in scan and convolution for each token and channel.",
      others.aligned,
    ].joined(separator: "\n")
  }

  private var products: TextTable {
    var rows = [["operation", "pass", "shape", "µs"] + AchievedRate.headings + ["OpenBLAS"]]
    for kernel in kernels {
      guard let other = kernel.openBLASSeconds else { continue }
      rows.append(
        start(kernel) + kernel.rate.cells(limits)
          + [String(format: "%.2f", other / kernel.seconds)])
    }
    return TextTable(rows)
  }

  private var others: TextTable {
    var rows = [
      ["operation", "pass", "shape", "µs", "ns", "ns at 3.7 GHz"] + AchievedRate.headings
    ]
    for kernel in kernels where kernel.openBLASSeconds == nil {
      func text(_ nanoseconds: Double?) -> String {
        nanoseconds.map { String(format: "%.3f", $0) } ?? ""
      }
      rows.append(
        start(kernel)
          + [text(kernel.nanosecondsPerElement), text(kernel.nanosecondsPerElementAt3700MHz)]
          + kernel.rate.cells(limits))
    }
    return TextTable(rows)
  }

  private func start(_ kernel: Kernel) -> [String] {
    [
      kernel.operation, kernel.pass.rawValue, kernel.shape,
      NumberText.figures(kernel.seconds * 1e6),
    ]
  }
}
