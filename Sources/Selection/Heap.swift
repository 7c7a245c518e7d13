/// A binary heap that is made once and only ever loses or changes its first element.
struct Heap<Element: Comparable> {
    private var elements: [Element]

    /// Orders the elements.
    init(_ elements: [Element]) {
        self.elements = elements
        for start in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(from: start) }
    }

    /// The least element.
    var first: Element? { elements.first }

    /// Puts another element in the place of the least one.
    mutating func replaceFirst(with element: Element) {
        elements[0] = element
        sink(from: 0)
    }

    /// Takes the least element away.
    mutating func removeFirst() {
        let last = elements.removeLast()
        if !elements.isEmpty { replaceFirst(with: last) }
    }

    private mutating func sink(from start: Int) {
        var parent = start
        while true {
            var least = 2 * parent + 1
            if least >= elements.count { return }
            if least + 1 < elements.count, elements[least + 1] < elements[least] { least += 1 }
            if !(elements[least] < elements[parent]) { return }
            elements.swapAt(parent, least)
            parent = least
        }
    }
}
