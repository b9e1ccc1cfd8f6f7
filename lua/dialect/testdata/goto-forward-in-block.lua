do
  goto skip
  print("never")
  ::skip::
  print("after")
end
do goto last; local x; ::last:: end
do goto last; local x; ::last::; ; end
do goto last; local x; ::last:: ::other:: end
print("ok")
