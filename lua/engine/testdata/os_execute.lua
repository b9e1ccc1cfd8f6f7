print(os.execute()) print(os.execute("true")) print(os.execute("false")) print(os.execute("exit 3")) print(os.execute("kill -9 $$")) print(os.execute("echo to stdout > /dev/null"))
