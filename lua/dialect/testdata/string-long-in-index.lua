local t = {[ [[k]] ] = 1, k2 = 2}
print(t[ [[k]] ], t[ [=[k2]=] ])
