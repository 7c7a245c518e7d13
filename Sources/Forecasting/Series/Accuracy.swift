/// Measures of how far a forecast was from what happened.
public enum Accuracy {
    /// Mean absolute error. Both arrays have the same length, at least one.
    public static func meanAbsoluteError(actual: [Double], forecast: [Double]) -> Double {
        precondition(actual.count == forecast.count && !actual.isEmpty)
        var sum = 0.0
        for index in actual.indices { sum += (actual[index] - forecast[index]).magnitude }
        return sum / Double(actual.count)
    }

    /// The scale of MASE: the in-sample mean absolute error of the seasonal naive forecast (Hyndman and Koehler 2006).
    ///
    /// - Parameter period: 1 for a series without season. The history must be longer than the period.
    public static func seasonalScale(history: [Double], period: Int) -> Double {
        precondition(period >= 1 && history.count > period)
        var sum = 0.0
        for index in period..<history.count { sum += (history[index] - history[index - period]).magnitude }
        return sum / Double(history.count - period)
    }

    /// Mean absolute scaled error (Hyndman and Koehler 2006).
    public static func mase(actual: [Double], forecast: [Double], history: [Double], period: Int) -> Double {
        meanAbsoluteError(actual: actual, forecast: forecast) / seasonalScale(history: history, period: period)
    }

    /// Symmetric mean absolute percentage error as in the M4 competition, in percent (0…200).
    public static func smape(actual: [Double], forecast: [Double]) -> Double {
        precondition(actual.count == forecast.count && !actual.isEmpty)
        var sum = 0.0
        for index in actual.indices {
            let size = actual[index].magnitude + forecast[index].magnitude
            if size > 0 { sum += (actual[index] - forecast[index]).magnitude / size }
        }
        return 200 * sum / Double(actual.count)
    }

    /// Overall weighted average of the M4 competition: the mean of the ratios to the Naive2 method.
    public static func owa(mase: Double, smape: Double, naive2MASE: Double, naive2SMAPE: Double) -> Double {
        (mase / naive2MASE + smape / naive2SMAPE) / 2
    }
}
