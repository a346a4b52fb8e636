import Foundation
import Tensor

/// Adam with bias correction, one parameter at a time, and with decoupled weight decay in PyTorch's
/// order. Sources: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2.
struct AdamReference {
  var values: [Double]
  private(set) var firstMoment: [Double]
  private(set) var secondMoment: [Double]
  private(set) var stepCount = 0

  private let settings: AdamSettings

  init(_ values: [Double], _ settings: AdamSettings = AdamSettings()) {
    self.settings = settings
    self.values = values
    firstMoment = values.map { _ in 0 }
    secondMoment = firstMoment
  }

  mutating func step(_ gradient: [Double], learningRate: Double) {
    stepCount += 1
    let (beta1, beta2, epsilon) = (settings.beta1, settings.beta2, settings.epsilon)
    for i in values.indices {
      let g = gradient[i]
      // torch.optim.AdamW multiplies first.
      values[i] *= 1 - learningRate * settings.weightDecay
      firstMoment[i] = beta1 * firstMoment[i] + (1 - beta1) * g
      secondMoment[i] = beta2 * secondMoment[i] + (1 - beta2) * g * g
      let m = firstMoment[i] / (1 - pow(beta1, Double(stepCount)))
      let v = secondMoment[i] / (1 - pow(beta2, Double(stepCount)))
      values[i] -= learningRate * m / (v.squareRoot() + epsilon)
    }
  }
}
