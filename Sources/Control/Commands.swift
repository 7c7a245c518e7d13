import Configuration
import JSONText
import Logging

extension ControlPlane {
    /// Carries out a request of the control protocol.
    public func answer(_ request: ControlRequest) -> ControlAnswer {
        do throws(ControlError) {
            return .data(try data(for: request))
        } catch {
            return .error(error)
        }
    }

    private func data(for request: ControlRequest) throws(ControlError) -> JSONValue {
        switch (request.command.first, request.command.dropFirst().first) {
        case ("show", "status"?): return showStatus
        case ("show", "services"?): return showServices
        case ("show", "pools"?): return showPools
        case ("show", "backends"?): return showBackends
        case ("show", "tables"?): return showTables
        case ("show", "fragments"?): return showFragments
        case ("show", "jobs"?): return try showJobs(request)
        case ("show", "nodes"?): return try showNodes()
        case ("show", "queues"?): return showQueues
        case ("show", "counters"?): return showCounters
        case ("backend", "activate"?): return try setState(.active, request)
        case ("backend", "deactivate"?): return try setState(.inactive, request)
        case ("backend", "drain"?): return try setState(.draining, request)
        case ("backend", "weight"?): return try setWeight(request)
        case ("explain", nil): return try explain(request)
        case ("reload", nil): return try answerReload()
        case ("log-level", nil): return try setLogLevel(request)
        default:
            throw ControlError(
                "unknown_command", "this daemon has no command '\(request.command.joined(separator: " "))'")
        }
    }

    private func setState(
        _ state: BackendConfiguration.State, _ request: ControlRequest
    ) throws(ControlError) -> JSONValue {
        let name = try request.string("backend")
        do throws(DirectorError) {
            let status = try director.set(state, of: name)
            Log.notice("backend \(status.key) is \(state.rawValue) by command")
            return describe(status)
        } catch {
            throw ControlError(error.code, error.description)
        }
    }

    private func setWeight(_ request: ControlRequest) throws(ControlError) -> JSONValue {
        let name = try request.string("backend")
        guard let weight = request.arguments["weight"]?.int else {
            throw ControlError("bad_request", "\"weight\" has to be a whole number")
        }
        do throws(DirectorError) {
            let status = try director.set(weight: weight, of: name)
            Log.notice("backend \(status.key) has weight \(weight) by command")
            return describe(status)
        } catch {
            throw ControlError(error.code, error.description)
        }
    }

    private func answerReload() throws(ControlError) -> JSONValue {
        let report = reload()
        guard report.isGood else { throw ControlError("bad_configuration", report.errors.joined(separator: "\n")) }
        return describe(report)
    }

    private func setLogLevel(_ request: ControlRequest) throws(ControlError) -> JSONValue {
        let name = try request.string("level")
        guard let level = LogLevel(name: name) else {
            let known = LogLevel.allCases.map(\.name)
            let hint = closestName(to: name, among: known).map { "did you mean '\($0)'?" }
            throw ControlError(
                "bad_level", "there is no log level '\(name)': \(hint ?? "known are \(known.joined(separator: ", "))")")
        }
        Log.level = level
        Log.notice("log level \(level.name) by command")
        return ["level": JSONValue(level.name)]
    }
}

extension ControlRequest {
    /// A string among the arguments.
    func string(_ name: String) throws(ControlError) -> String {
        guard let text = arguments[name]?.string else {
            throw ControlError("bad_request", "\"\(name)\" is missing or no string")
        }
        return text
    }
}
