/// A program whose children work on chunks.
public struct ExecSettings: Hashable, Sendable {
    /// The program by its absolute path, and its arguments. No shell reads them.
    public var command: [String]
    /// `NAME=value`: the whole environment of the children, next to PATH and LANG, which it may name too.
    public var environment: [String]
    /// How many children there are.
    public var children: Int

    /// All fields.
    public init(command: [String], environment: [String] = [], children: Int = 1) {
        self.command = command
        self.environment = environment
        self.children = children
    }

    /// The environment that children get.
    var fullEnvironment: [String] {
        func name(_ entry: String) -> Substring { entry.prefix { $0 != "=" } }
        let given = Set(environment.map(name))
        return ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"].filter { !given.contains(name($0)) } + environment
    }
}
