local function find(t, x)
  local lo, hi = 1, #t
  while lo <= hi do
    local mid = (lo + hi) // 2
    if t[mid] == x then return mid end
    if t[mid] < x then lo = mid + 1 else hi = mid - 1 end
  end
end
print(find({1, 3, 5, 7, 9, 11}, 7), find({1, 3}, 2), find({}, 1))
