local settings
print(settings.listen)
