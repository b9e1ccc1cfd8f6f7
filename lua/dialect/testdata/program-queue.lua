local Queue = {}
Queue.__index = Queue
function Queue.new() return setmetatable({first = 1, last = 0}, Queue) end
function Queue:push(v) self.last = self.last + 1 self[self.last] = v return self end
function Queue:pop() local v = self[self.first] self[self.first], self.first = nil, self.first + 1 return v end
local q = Queue.new():push("a"):push("b"):push("c")
print(q:pop(), q:pop(), q:pop(), q:pop())
