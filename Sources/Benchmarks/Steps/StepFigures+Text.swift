import Files
import Foundation
import Platform

extension StepFigures: CustomStringConvertible {
  /// The figures as lines, and the table by part.
  package var description: String {
    ([heading, ""] + figures + (adversarial?.lines ?? []) + [""] + partHeading + [
      table.aligned, "", sum,
    ])
    .joined(separator: "\n")
  }

  private var heading: String {
    "\(preset): batch \(batch) x \(NumberText.setting(seconds)) s a rank, "
      + NumberText.count(ranks, "rank") + ", " + NumberText.count(threads, "thread")
      + (recompute ? ", activations recomputed" : "")
  }

  private var figures: [String] {
    let text = NumberText.self
    let of = threads == 1 ? "one core's" : "\(threads) cores'"
    let atMost = peakResidentIsExact ? "" : "at most "
    let most = ranks == 1 ? "" : ", of the rank that took most"
    return [
      "step           "
        + text.spread(stepSeconds, stepSecondsMinimum, stepSecondsMaximum)
        + " s, median of \(steps)",
      "throughput     "
        + String(format: "%.3f", audioSecondsPerSecond) + " seconds of audio trained a second"
        + (ranks == 1 ? "" : ", by all ranks"),
      "useful GEMM    " + String(format: "%.1f", usefulGemmGflop)
        + " GFLOP a step" + (ranks == 1 ? "" : " and rank") + " ("
        + String(format: "%.1f", usefulGemmGflop / (Double(batch) * seconds))
        + " a second of audio): " + String(format: "%.1f%%", 100 * fractionOfPeak)
        + " of \(of) FMA peak",
      "FMA peak       "
        + text.spread(fmaPeakGflops, fmaPeakGflopsMinimum, fmaPeakGflopsMaximum)
        + " GFLOP/s a core, a clock of "
        + String(format: "%.2f GHz", limits.clock),
      "large product  \(largeProduct.size) x \(largeProduct.size) x \(largeProduct.size): own "
        + text.figures(largeProduct.ownGflops) + ", OpenBLAS "
        + text.figures(largeProduct.openBLASGflops) + " GFLOP/s",
      "copying        \(text.figures(copy.memory.gigabytesPerSecond)) GB/s in memory "
        + "(\(text.megabytes(copy.memory.bytes))), "
        + "\(text.figures(copy.cache.gigabytesPerSecond)) GB/s in L2 "
        + "(\(copy.cache.bytes >> 10) KiB), bytes read plus bytes written",
      "exchange       "
        + "\(text.milliseconds(exposedCommunicationSeconds)) ms of a step exposed, "
        + (ranks == 1
          ? "" : "\(text.milliseconds(unhiddenCommunicationSeconds)) to the last rank, ")
        + "all-reduces "
        + "\(text.milliseconds(allReduceSeconds)) ms (\(text.count(buckets, "bucket")) of "
        + "\(text.megabytes(bucketBytes)), \(wire), "
        + (overlap
          ? "during backward of \(text.count(utterancesSideBySide, "utterance")))"
          : "after backward)"),
      "split          " + scaling.splitText,
      "jitter         " + scaling.jitterText,
      "resident       \(atMost)\(text.megabytes(peakResidentBytes)) at the peak of the steps"
        + "\(most), \(text.megabytes(residentBytesBeforeSteps)) before the first",
    ]
  }

  private var partHeading: [String] {
    let note =
      threads == 1 ? "" : " on one thread (parts cannot be told apart on \(threads)),"
    return [
      "By part,\(note) mean of \(NumberText.count(instrumentedSteps, "further step"))"
        + (ranks == 1 ? ":" : ", rank 0:")
    ]
  }

  private var table: TextTable {
    var rows = [["part", "pass", "ms/step", "share"] + AchievedRate.headings]
    for part in parts {
      rows.append(
        [
          part.part, part.pass, NumberText.milliseconds(part.seconds),
          String(format: "%.1f%%", 100 * part.seconds / instrumentedStepSeconds),
        ] + part.rate.cells(limits))
    }
    return TextTable(rows)
  }

  private var sum: String {
    "The parts add up to \(NumberText.milliseconds(partsSeconds)) of the "
      + "\(NumberText.milliseconds(instrumentedStepSeconds)) ms that such a step took "
      + String(format: "(%.1f%%)", 100 * partsSeconds / instrumentedStepSeconds)
      + (threads == 1
        ? "; the median of the timed steps is \(NumberText.milliseconds(stepSeconds)) ms." : ".")
  }
}
