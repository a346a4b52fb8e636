import Metrics
import Platform

/// How PESQ becomes a label: (PESQ + offset) / scale.
package struct LabelScale: Equatable, Sendable {
  /// Added to PESQ.
  package let offset: Double
  /// Divides the sum.
  package let scale: Double

  /// Labels (PESQ + `offset`) / `scale`.
  package init(offset: Double, scale: Double) {
    precondition(scale > 0, "LabelScale: scale \(scale)")
    self.offset = offset
    self.scale = scale
  }

  /// The label of a PESQ, as single precision has it: sums of such labels are exact in double
  /// precision, so that they do not depend on the ranks.
  package func label(pesq: Double) -> Float { Float((pesq + offset) / scale) }

  /// The PESQ of a label, or of a prediction of it.
  package func pesq(label: Double) -> Double { label * scale - offset }
}

/// The labels of one crop, or why it has none.
package struct CropLabels: Equatable, Sendable {
  /// Label of the estimate against the clean crop.
  package let estimate: Float
  /// Label of the noisy crop against the estimate; nil where it is not asked for.
  package let noisy: Float?
  /// Why a label is missing, in a few words; nil for a crop with all of its labels.
  package let fault: String?

  /// The labels of a crop that has them.
  package init(estimate: Float, noisy: Float?) {
    self.estimate = estimate
    self.noisy = noisy
    fault = nil
  }

  /// A crop without all of its labels: those of one that fails are not used.
  package init(fault: String) {
    estimate = .nan
    noisy = nil
    self.fault = fault
  }
}

/// The samples of one crop, from which its labels are made.
package struct LabelledCrop: Sendable {
  /// The clean crop.
  package var clean: [Float]
  /// The generator's estimate of it.
  package var estimate: [Float]
  /// The noisy crop.
  package var noisy: [Float]

  /// Crop of these signals, of one length.
  package init(clean: [Float], estimate: [Float], noisy: [Float]) {
    self.clean = clean
    self.estimate = estimate
    self.noisy = noisy
  }
}

/// Makes the labels of a step's crops.
package protocol LabelSource: AnyObject {
  /// Begins with the labels of a crop.
  func begin(_ crop: LabelledCrop)
  /// Waits for all crops that were begun, and returns their labels in that order.
  func finish() -> [CropLabels]
}
