local co = coroutine.wrap(function()
  for i = 1, 3 do
    print(pcall(function() if coroutine.yield(i) == "die" then error("died " .. i, 0) end return "lived" end))
  end
end)
co() co("die") co("live") co("die")
