import JSONText

extension ControlPlane {
    func explain(_ request: ControlRequest) throws(ControlError) -> JSONValue {
        throw ControlError("unknown_command", "soon")
    }
}
