F = "py"
class G:
    h = 6
    def __init__(self):
        self.i = 7
N: int = 8
K = L = 9
def fn():
    Q = 1
