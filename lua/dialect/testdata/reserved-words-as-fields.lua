local t = {["end"] = 1, ["goto"] = 2}
print(t["end"], t["goto"])
