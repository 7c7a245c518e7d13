/// One `key: value` of an object.
public struct JSONMember: Sendable {
    /// The key, escapes resolved.
    public var key: String
    /// Where the key stands in the text; `nil` for a member made by the program.
    public var keyPosition: JSONPosition?
    /// The value.
    public var value: JSONValue

    /// A member `key: value`.
    @inlinable
    public init(_ key: String, _ value: JSONValue, keyPosition: JSONPosition? = nil) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// An object: members in the order in which they were written or inserted, each key once.
///
/// A key is looked up by walking the members, which for the few keys of a configuration block or a control frame is
/// cheaper than hashing.
public struct JSONObject: Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    /// The members in order.
    public private(set) var members: [JSONMember]
    /// False when a part of the text between the braces could not be read, so that an absent key proves nothing.
    public internal(set) var isComplete = true

    /// An object with `members`, whose keys must differ.
    public init(_ members: [JSONMember] = []) {
        self.members = members
    }

    /// An object from a literal; of equal keys the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        members.reserveCapacity(elements.count)
        for (key, value) in elements { self[key] = value }
    }

    /// The value of `key`; setting keeps the place of a key that is there, appends one that is not, and removes the
    /// member for `nil`.
    public subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(JSONMember(key, value))
            case (nil, nil): break
            }
        }
    }

    /// Appends a member without looking whether its key is there already.
    mutating func append(_ member: JSONMember) {
        members.append(member)
    }

    /// The keys in order.
    public var keys: [String] { members.map(\.key) }

    /// The place of the first member.
    public var startIndex: Int { members.startIndex }
    /// The place behind the last member.
    public var endIndex: Int { members.endIndex }
    /// The member at `index`.
    public subscript(index: Int) -> JSONMember { members[index] }
}

extension JSONObject: Equatable {
    /// Objects are equal when they have the same keys with equal values, in any order; positions do not count.
    public static func == (lhs: JSONObject, rhs: JSONObject) -> Bool {
        guard lhs.count == rhs.count else { return false }
        if zip(lhs, rhs).allSatisfy({ $0.key == $1.key }) {
            return zip(lhs, rhs).allSatisfy { $0.value == $1.value }
        }
        let values = Dictionary(rhs.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return lhs.allSatisfy { values[$0.key] == $0.value }
    }
}
