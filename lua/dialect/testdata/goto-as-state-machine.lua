local s, out = 1, {}
::one:: if s > 6 then goto stop end out[#out + 1] = "one" s = s + 1
::two:: if s % 3 == 0 then goto three end out[#out + 1] = "two" s = s + 1 goto one
::three:: out[#out + 1] = "three" s = s + 2 goto two
::stop::
print(table.concat(out, " "))
