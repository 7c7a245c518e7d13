import JSONText

extension JSONValue {
    // Never inlined: with the optimizer of Swift 6.3.1 a table that reads many members this way ends in a compiler
    // crash (CopyPropagation, "Found ownership error"). The attribute may go with that fault.

    /// The member as a number, or nil when it is none.
    @inline(never) func number(_ key: String) -> Double? { self[key]?.double }
    /// The member as a whole number, or nil when it is none.
    @inline(never) func whole(_ key: String) -> Int? { self[key]?.int }
}
